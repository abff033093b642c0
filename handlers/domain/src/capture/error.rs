//! Why a captured file cannot be read.

/// A file is not what Event Hubs Capture writes, or is damaged. Reading it again is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Not an Avro file of a version that can be read, or cut off, or damaged.
    #[error("the file is no readable Avro file")]
    Avro(#[from] apache_avro::Error),
    /// An Avro file of other records.
    #[error("the file holds {0}, not captured events")]
    OtherRecords(String),
    /// The schema in its header is one that nobody should read by.
    #[error("the schema of the file is refused: {0}")]
    Schema(String),
    /// A record lacks a field, or has one of another type.
    #[error("a record's {0} is missing or of another type")]
    Field(&'static str),
}
