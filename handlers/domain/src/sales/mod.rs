//! Sales files: what partners sold in a day, as CSV.
//!
//! [`reader`] takes a file line by line, below it `unpack` the bytes, `records` the lines, `extent` where each ends, `shape` its fields, [`header`] the columns, [`row`] what a line
//! says; [`rejection`] is why a file is refused as a whole, [`bad_lines`] how bad lines are handed back, [`report`] what is told of a
//! file. [`spill`] keeps the lines of a large file until those of an invoice are together. [`events`] is what hub `sales` hears,
//! [`totals`] what becomes of it by day, product and country.

pub mod bad_lines;
pub mod events;
mod extent;
pub mod header;
mod number;
pub mod reader;
mod records;
pub mod rejection;
pub mod report;
pub mod row;
mod shape;
pub mod size;
pub mod spill;
mod text;
pub mod totals;
mod unpack;

#[cfg(test)]
mod tests;
