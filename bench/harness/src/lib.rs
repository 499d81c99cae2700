//! What the benches of calls share: the mock model, the floors, the load generator, and the
//! measurement of servers in turn.
//!
//! A bench is a small program on top: it starts the servers that it compares ([`process`],
//! [`backstay`]), has them measured ([`rounds`]) and prints the [`record::Record`]. It is started
//! again by itself as upstream and floors, so each of its programs offers the commands of [`Part`].
#![expect(clippy::print_stdout, reason = "the tool of benches, whose result is their output")]
#![expect(clippy::print_stderr, reason = "progress goes where it does not mix with the result")]

mod answer;
pub mod backstay;
pub mod canned;
pub mod cell;
pub mod chat_api;
pub mod compare;
mod endpoint;
mod floor_axum;
mod floor_hyper;
pub mod load;
pub mod machine;
mod part;
pub mod process;
mod process_usage;
pub mod record;
pub mod rounds;
mod samples;
mod server;
mod stop;
pub mod table;
mod upstream;

pub use part::{Part, block_on_one_thread};
pub use server::{Server, floors};
pub use stop::or_stopped;
