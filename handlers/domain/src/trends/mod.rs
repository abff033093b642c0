//! What is looked at, counted by the minute in which it happened.
//!
//! A partition's clicks of one minute are a [`window`]: a chain of documents ("pages") of which only the last still changes, each with
//! the mark of the last hub event it took, so that a repeated event is known by its place, and with the ids it counted, so that a
//! producer's own repeat is known by its name. A [`minute`] sums the windows of all partitions; a [`ranking`] compares the last minutes
//! with the [`past`], and what the site has of it goes to the [`board`]. [`tally`] holds what is counted, [`visitors`] how many different
//! people that were. [`remade`] counts a window again from the log, as far as the log's [`coverage`] goes.

pub mod board;
pub mod coverage;
pub mod minute;
mod packed;
pub mod past;
pub mod ranking;
pub mod remade;
pub mod tally;
pub mod visitors;
pub mod window;

#[cfg(test)]
mod tests;
