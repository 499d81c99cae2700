// Portkey's server has no option for its address and listens on every interface. Loaded before it,
// this makes every listener of the process a loopback one.
const net = require("node:net");

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === "object" && first !== null && "port" in first) {
    return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
  }
  // listen(port, [host], [backlog], [callback])
  return listen.call(this, first, "127.0.0.1", ...rest.filter((value) => typeof value !== "string"));
};
