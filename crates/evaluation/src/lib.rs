//! Evaluation: how good a part of Backstay is, in figures that anyone can reproduce.
//!
//! [`memory`] measures recall: whether it finds the turns that hold an answer, beside baselines that
//! everybody knows, on data sets whose evidence is known. [`documents`] measures whether the passages of
//! files are found, and how fast files are read.

pub mod documents;
pub mod memory;
