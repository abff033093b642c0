//! What is known of a value before anything is deployed.

/// A value, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Text without interpolation is one piece, or none.
    Text(Vec<Piece>),
    List(List),
    Object(Object),
    /// Something that has a name: a parameter that is not known, an item of a loop, a resource, `subscription()`.
    Reference(Reference),
    /// A function of Azure's that scanners know, with what it is given.
    Call {
        name: &'static str,
        arguments: Vec<Value>,
    },
    /// A ternary whose condition is not known.
    Choice {
        condition: Box<Value>,
        then: Box<Value>,
        otherwise: Box<Value>,
    },
    /// Not known, and without a name.
    Computed,
}

/// Part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Value(Value),
}

/// Items that are known; `whole` if there are no others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List {
    pub items: Vec<Value>,
    pub whole: bool,
}

/// Properties that are known; `whole` if there are no others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub entries: Vec<(Vec<Piece>, Value)>,
    pub whole: bool,
}

/// A name with the properties behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    pub path: String,
    /// Whether an index behind it is left out: resources and modules of a loop are written once.
    pub once: bool,
}

impl Value {
    pub(super) fn text_of(text: impl Into<String>) -> Self {
        Self::text([Piece::Text(text.into())])
    }

    /// A text of pieces, those that are known made one.
    pub(super) fn text(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut made: Vec<Piece> = Vec::new();
        let mut add = |piece: Piece| match (made.last_mut(), piece) {
            (_, Piece::Text(text)) if text.is_empty() => {}
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => made.push(piece),
        };
        for piece in pieces {
            match piece {
                Piece::Value(Value::Text(inner)) => inner.into_iter().for_each(&mut add),
                Piece::Value(Value::Integer(number)) => add(Piece::Text(number.to_string())),
                Piece::Value(Value::Boolean(value)) => {
                    add(Piece::Text(if value { "True" } else { "False" }.to_owned()))
                }
                piece => add(piece),
            }
        }
        Self::Text(made)
    }

    pub(super) fn list(items: Vec<Value>, whole: bool) -> Self {
        Self::List(List { items, whole })
    }

    pub(super) fn object(entries: Vec<(Vec<Piece>, Value)>, whole: bool) -> Self {
        Self::Object(Object { entries, whole })
    }

    pub(super) fn named(path: impl Into<String>) -> Self {
        Self::Reference(Reference { path: path.into(), once: false })
    }

    /// A resource or module.
    pub(super) fn symbol(path: impl Into<String>) -> Self {
        Self::Reference(Reference { path: path.into(), once: true })
    }

    /// The text, where all of it is known.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(pieces) => literal(pieces),
            _ => None,
        }
    }

    /// Whether all of it is known.
    pub(super) fn is_literal(&self) -> bool {
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) => true,
            Self::Text(pieces) => literal(pieces).is_some(),
            Self::List(list) => list.whole && list.items.iter().all(Value::is_literal),
            Self::Object(object) => {
                object.whole && object.entries.iter().all(|(key, value)| literal(key).is_some() && value.is_literal())
            }
            Self::Reference(_) | Self::Call { .. } | Self::Choice { .. } | Self::Computed => false,
        }
    }

    /// Whether it is empty, where that is known.
    pub(super) fn is_empty(&self) -> Option<bool> {
        match self {
            Self::Null => Some(true),
            Self::Text(pieces) if pieces.is_empty() => Some(true),
            Self::Text(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Text(_))).then_some(false),
            Self::List(list) => list.whole.then_some(list.items.is_empty()),
            Self::Object(object) if object.entries.is_empty() => object.whole.then_some(true),
            Self::Object(_) => Some(false),
            _ => None,
        }
    }

    /// Whether both are the same, where that is known.
    pub(super) fn equals(&self, other: &Value) -> Option<bool> {
        (self.is_literal() && other.is_literal()).then(|| self == other)
    }

    /// The property of that name.
    pub(super) fn property(self, name: &str) -> Value {
        match self {
            Self::Object(object) => {
                let found = object.entries.into_iter().find(|(key, _)| literal(key) == Some(name));
                found.map_or(Self::Computed, |(_, value)| value)
            }
            Self::Reference(reference) => {
                Self::Reference(Reference { path: format!("{}.{name}", reference.path), once: reference.once })
            }
            Self::Choice { condition, then, otherwise } => Self::Choice {
                condition,
                then: Box::new(then.property(name)),
                otherwise: Box::new(otherwise.property(name)),
            },
            _ => Self::Computed,
        }
    }

    /// The item at that place, or the property of that name.
    pub(super) fn index(self, index: &Value) -> Value {
        match (self, index) {
            (Self::List(list), Self::Integer(at)) if list.whole => {
                let at = usize::try_from(*at).ok();
                at.and_then(|at| list.items.into_iter().nth(at)).unwrap_or(Self::Computed)
            }
            (Self::Reference(reference), Self::Integer(_) | Self::Reference(_) | Self::Computed) if reference.once => {
                Self::Reference(reference)
            }
            (Self::Object(object), index) => {
                index.as_text().map_or(Self::Computed, |name| Self::Object(object).property(name))
            }
            _ => Self::Computed,
        }
    }

    /// The same for a reader of another file, to whom the names in this one say nothing.
    pub(super) fn abroad(self) -> Value {
        let piece = |piece: Piece| match piece {
            Piece::Value(value) => Piece::Value(value.abroad()),
            text @ Piece::Text(_) => text,
        };
        match self {
            Self::Text(pieces) => Self::text(pieces.into_iter().map(piece)),
            Self::List(list) => Self::list(list.items.into_iter().map(Value::abroad).collect(), list.whole),
            Self::Object(object) => {
                let entry = |(key, value): (Vec<Piece>, Value)| (key.into_iter().map(piece).collect(), value.abroad());
                Self::object(object.entries.into_iter().map(entry).collect(), object.whole)
            }
            Self::Reference(_) | Self::Call { .. } | Self::Choice { .. } | Self::Computed => Self::Computed,
            known => known,
        }
    }
}

/// The text of pieces that hold nothing else.
pub(super) fn literal(pieces: &[Piece]) -> Option<&str> {
    match pieces {
        [] => Some(""),
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}
