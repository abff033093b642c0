//! Documents: texts in groups, each of which the printer sets on one line or on several.

use std::borrow::Cow;

/// A piece of a document.
#[derive(Clone, Debug)]
pub(super) enum Document<'a> {
    /// Characters as they are.
    Text(Cow<'a, str>),
    /// Characters that are printed only if the group is set on several lines.
    WhenBroken(&'static str),
    /// A comment at the end of a line: it does not count towards the width of the line.
    Suffix(String),
    /// A place where a line may end.
    Line(Line),
    /// Pieces that are set on one line if they fit there.
    Group(Vec<Document<'a>>),
    /// Pieces in a row, each of which decides for itself.
    Row(Vec<Document<'a>>),
    /// A row of several lines at the end of the arguments of a call: it does not count towards the width of the call but for
    /// its opening bracket.
    Tail(Vec<Document<'a>>),
    /// Pieces whose lines begin two columns further right.
    Indent(Vec<Document<'a>>),
}

/// Where a line may end, and what stands there if it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It ends, and what is around stays on several lines: a blank line between items.
    Hard,
    /// The author ended it; a single one of these says nothing.
    Soft,
    /// Nothing.
    OrNothing,
    /// A space.
    OrSpace,
    /// A comma and a space.
    OrComma,
}

impl Line {
    /// What stands there if the line goes on.
    pub(super) fn flat(self) -> &'static str {
        match self {
            Line::Hard | Line::Soft | Line::OrSpace => " ",
            Line::OrNothing => "",
            Line::OrComma => ", ",
        }
    }
}

impl<'a> Document<'a> {
    /// Characters of the source or of the program.
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Pieces with a space between each two.
    pub(super) fn spread(pieces: Vec<Self>) -> Self {
        let mut row = Vec::with_capacity(pieces.len() * 2);
        for piece in pieces {
            if !row.is_empty() {
                row.push(Self::text(" "));
            }
            row.push(piece);
        }
        Self::Row(row)
    }

    /// Whether it ends with a comment that ends the line.
    pub(super) fn has_suffix(&self) -> bool {
        match self {
            Self::Suffix(_) => true,
            Self::Group(pieces) | Self::Row(pieces) | Self::Tail(pieces) | Self::Indent(pieces) => {
                pieces.last().is_some_and(Self::has_suffix)
            }
            Self::Text(_) | Self::WhenBroken(_) | Self::Line(_) => false,
        }
    }

    pub(super) fn is_line(&self) -> bool {
        matches!(self, Self::Line(_))
    }

    /// Adds its pieces as they stand on one line.
    pub(super) fn flatten(self, onto: &mut Vec<Self>) {
        match self {
            Self::Group(pieces) | Self::Row(pieces) | Self::Indent(pieces) => {
                pieces.into_iter().for_each(|piece| piece.flatten(onto));
            }
            Self::Line(line) => onto.push(Self::text(line.flat())),
            Self::WhenBroken(_) => {}
            Self::Text(_) | Self::Suffix(_) | Self::Tail(_) => onto.push(self),
        }
    }
}

/// Pieces with the ends of lines between them; a blank line needs no other.
pub(super) fn separate<'a>(pieces: Vec<Document<'a>>, separator: Line) -> Vec<Document<'a>> {
    let mut separated: Vec<Document<'a>> = Vec::with_capacity(pieces.len() * 2);
    for piece in pieces {
        if !matches!(separated.last(), None | Some(Document::Line(Line::Hard))) {
            separated.push(Document::Line(separator));
        }
        separated.push(piece);
    }
    separated
}

/// Removes ends of lines before the first and after the last item, and all between two items but one blank line. Returns with
/// them how many blank lines are left.
pub(super) fn collapse<'a>(pieces: Vec<Document<'a>>) -> (Vec<Document<'a>>, usize) {
    let Some(first) = pieces.iter().position(|piece| !piece.is_line()) else {
        return (Vec::new(), 0);
    };
    let last = pieces.iter().rposition(|piece| !piece.is_line()).unwrap_or(first);
    let mut collapsed: Vec<Document<'a>> = Vec::with_capacity(pieces.len());
    let mut blanks = 0;
    let mut ends = 0;
    for piece in pieces.into_iter().take(last + 1).skip(first) {
        match piece {
            Document::Line(Line::Hard) => ends += 2,
            Document::Line(_) => ends += 1,
            piece => {
                if ends > 1 {
                    collapsed.push(Document::Line(Line::Hard));
                    blanks += 1;
                }
                ends = 0;
                collapsed.push(piece);
            }
        }
    }
    (collapsed, blanks)
}
