//! A process of its own for each file, and the parent's side of it.

mod child;
mod parent;
mod sandbox;

pub use child::run;
pub use parent::Parser;
pub use sandbox::{Confinement, confine};

/// The argument with which a program is to call [`run`].
pub const COMMAND: &str = "parse-document";
