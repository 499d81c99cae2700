//! For tests only: a real server with a real store on a real socket, over a scripted upstream.

mod client;
mod server;

pub use client::{Answer, Stream, TestClient};
pub use server::{TestServer, TestServerBuilder, UPSTREAMS};
pub use upstream_sim as sim;
