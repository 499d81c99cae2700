//! What one window of load is about: which server, which kind of answer, how many connections.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The server that a window drives. Every other one stands in front of `Direct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The mock model itself, without anything in between.
    Direct,
    FloorHyper,
    FloorAxum,
    Backstay,
    #[serde(rename = "tensorzero")]
    TensorZero,
    Portkey,
    #[serde(rename = "litellm")]
    LiteLlm,
}

impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::FloorHyper => "floor-hyper",
            Self::FloorAxum => "floor-axum",
            Self::Backstay => "backstay",
            Self::TensorZero => "tensorzero",
            Self::Portkey => "portkey",
            Self::LiteLlm => "litellm",
        }
    }

    /// Whether it is another project's gateway.
    pub fn is_peer(self) -> bool {
        matches!(self, Self::TensorZero | Self::Portkey | Self::LiteLlm)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One JSON body.
    Plain,
    /// Server-sent events, all at once: what relaying them costs.
    Stream,
    /// Server-sent events at the pace of a model: what waiting clients see.
    Paced,
}

impl Shape {
    /// Those that show cost; a server is as busy as it can be.
    pub const UNPACED: [Self; 2] = [Self::Plain, Self::Stream];
    pub const ALL: [Self; 3] = [Self::Plain, Self::Stream, Self::Paced];
}

/// Windows of the same cell and the same round are compared with each other, and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub shape: Shape,
    pub connections: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = match self.shape {
            Shape::Plain => "plain answers",
            Shape::Stream => "streams",
            Shape::Paced => "paced streams",
        };
        write!(formatter, "{answers} at concurrency {}", self.connections)
    }
}
