//! What one window of load is about: which server, which kind of answer, how many connections.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// The server that a window drives. Every other one stands in front of `Direct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The mock model itself, without anything in between.
    Direct,
    FloorHyper,
    FloorAxum,
    Backstay,
}

impl Target {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::FloorHyper => "floor-hyper",
            Self::FloorAxum => "floor-axum",
            Self::Backstay => "backstay",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    /// One JSON body.
    Plain,
    /// Server-sent events.
    Stream,
}

impl Shape {
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Stream];
}

/// Windows of the same cell and the same round are compared with each other, and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    pub(crate) shape: Shape,
    pub(crate) connections: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = match self.shape {
            Shape::Plain => "plain answers",
            Shape::Stream => "streams",
        };
        write!(formatter, "{answers} with {} open connections", self.connections)
    }
}
