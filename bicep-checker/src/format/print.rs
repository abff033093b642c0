//! Decides where lines end.

use super::document::Document;

const WIDTH: usize = 120;
const INDENT: usize = 2;

/// The text of documents one after the other, with a final newline.
pub(super) fn print(documents: &[Document<'_>]) -> String {
    let mut printer = Printer::default();
    documents.iter().for_each(|document| printer.document(0, document));
    printer.text.push('\n');
    printer.text
}

#[derive(Default)]
struct Printer {
    text: String,
    /// Spaces that are printed as soon as something follows them on the line.
    spaces: String,
    /// Columns taken on this line, in UTF-16 units.
    column: usize,
}

/// How a group stands on one line, as long as it may.
struct Flat<'a, 'b> {
    pieces: Vec<&'b Document<'a>>,
    left: usize,
    tail: bool,
}

impl Printer {
    fn document(&mut self, indent: usize, document: &Document<'_>) {
        match document {
            Document::Text(text) => self.write(text),
            Document::WhenBroken(text) => self.write(text),
            Document::Suffix(text) => self.text(text),
            Document::Line(_) => {
                self.text.push('\n');
                self.column = indent * INDENT;
                self.spaces = " ".repeat(self.column);
            }
            Document::Row(pieces) | Document::Tail(pieces) => {
                pieces.iter().for_each(|piece| self.document(indent, piece));
            }
            Document::Indent(pieces) => pieces.iter().for_each(|piece| self.document(indent + 1, piece)),
            Document::Group(pieces) => self.group(indent, pieces),
        }
    }

    /// A group is measured up to its own end: what follows it on the line does not count.
    fn group(&mut self, indent: usize, pieces: &[Document<'_>]) {
        let left = WIDTH.checked_sub(self.column);
        let mut flat = Flat { pieces: Vec::new(), left: left.unwrap_or(0), tail: false };
        if left.is_some() && flat.add(pieces).is_some() {
            for piece in flat.pieces {
                match piece {
                    Document::Line(line) => self.write(line.flat()),
                    piece => self.document(indent, piece),
                }
            }
        } else {
            pieces.iter().for_each(|piece| self.document(indent, piece));
        }
    }

    fn write(&mut self, text: &str) {
        self.column += width(text);
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        if text.chars().all(char::is_whitespace) {
            self.spaces.push_str(text);
        } else {
            self.text.push_str(&self.spaces);
            self.spaces.clear();
            self.text.push_str(text);
        }
    }
}

impl<'a, 'b> Flat<'a, 'b> {
    /// Adds pieces without ends of lines; `None` if they do not fit.
    fn add(&mut self, pieces: &'b [Document<'a>]) -> Option<()> {
        for piece in pieces {
            let width = match piece {
                Document::Group(pieces) | Document::Row(pieces) | Document::Indent(pieces) => {
                    self.add(pieces)?;
                    continue;
                }
                Document::WhenBroken(_) => continue,
                Document::Text(text) => width(text),
                Document::Line(line) => width(line.flat()),
                Document::Suffix(_) => 0,
                Document::Tail(_) => 1,
            };
            if !self.tail {
                self.left = self.left.checked_sub(width)?;
            }
            self.tail |= matches!(piece, Document::Tail(_));
            self.pieces.push(piece);
        }
        Some(())
    }
}

/// UTF-16 units, as .NET counts.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}
