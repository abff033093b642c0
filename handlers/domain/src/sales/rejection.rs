//! Why a sales file is rejected as a whole: then nothing of it counts, and what an earlier version of it said stays.

/// Packed bytes that a file may have.
pub const MOST_PACKED: u64 = 256 << 20;

/// Bytes that it may have unpacked.
pub const MOST_UNPACKED: u64 = 2 << 30;

/// Why a file is rejected. The text says what is wrong, and with what it would be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No bytes.
    #[error("the file is empty: not even a header")]
    Empty,
    /// Two bytes for each letter.
    #[error("UTF-16: save the file as UTF-8")]
    Utf16,
    /// Four bytes for each letter.
    #[error("UTF-32: save the file as UTF-8")]
    Utf32,
    /// Bytes that no text has.
    #[error("the file is no text: its first line has a zero byte")]
    Binary,
    /// A zip archive, or a workbook of either form.
    #[error("the file is a zip archive or a workbook: send CSV, as it is or packed by gzip")]
    Zip,
    /// A header that does not end.
    #[error("the first line is longer than 64 KiB: it is no header")]
    EndlessHeader,
    /// Nothing but blank lines where it would be.
    #[error("the first 1,000 lines are blank: there is no header")]
    NoHeader,
    /// A column twice: which one counts nobody can say.
    #[error("duplicate column {0}: the header has it twice")]
    DuplicateColumn(String),
    /// A column that is needed is not there.
    #[error("missing column {missing}: the header has {found}; {mend}")]
    MissingColumns {
        /// Which are missing.
        missing: String,
        /// Which there are.
        found: String,
        /// What to write instead.
        mend: &'static str,
    },
    /// The packed file ends in the middle.
    #[error("the gzip file is truncated: send it again")]
    Truncated,
    /// The packed file is damaged.
    #[error("the gzip file is damaged: send it again")]
    Damaged,
    /// Something else is behind its last member.
    #[error("behind the gzip file there is something that is none: pack it again")]
    Trailing,
    /// Larger than is taken.
    #[error("the file has more than 256 MB: send it in parts")]
    TooLarge,
    /// A small file that becomes a large one.
    #[error("unpacked the file has more than 2 GB: send it in parts")]
    TooLargeUnpacked,
    /// The currency of the file is none.
    #[error("the file's currency {0} is no ISO 4217 code such as GBP")]
    Currency(String),
}

impl Rejection {
    /// A word for programs, which stays the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
            Self::Binary => "binary",
            Self::Zip => "zip",
            Self::EndlessHeader => "endless-header",
            Self::NoHeader => "no-header",
            Self::DuplicateColumn(_) => "duplicate-column",
            Self::MissingColumns { .. } => "missing-column",
            Self::Truncated => "gzip-truncated",
            Self::Damaged => "gzip-damaged",
            Self::Trailing => "gzip-trailing",
            Self::TooLarge => "too-large",
            Self::TooLargeUnpacked => "too-large-unpacked",
            Self::Currency(_) => "currency",
        }
    }
}

/// Why reading a file stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is bad as a whole.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Its bytes did not come: that says nothing about the file.
    #[error("the file's bytes did not all come")]
    Source(#[source] std::io::Error),
}
