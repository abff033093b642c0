//! Event Hubs Capture, read again: the records of one captured file, and the events of a hub from a cursor on. Of a file, no more than a
//! few blocks are in memory.

mod newest;
mod reader;
mod records;

pub use self::{
    newest::{Newest, newest},
    reader::{Captured, CapturedEvents},
    records::{FileError, Records},
};
