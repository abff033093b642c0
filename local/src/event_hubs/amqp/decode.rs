//! Decoding: values from bytes.

use super::value::Value;

/// Deeper nesting than any client sends; the limit keeps hostile input off the stack.
const MAX_DEPTH: u8 = 32;

const KEY_WITHOUT_VALUE: DecodeError = DecodeError::Invalid("a map has a key without a value");

/// The bytes are not the AMQP they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The value goes on beyond the end of its container.
    #[error("the value is cut off")]
    Truncated,
    /// No type has this constructor.
    #[error("0x{0:02x} is not the constructor of an AMQP type")]
    Constructor(u8),
    /// Values within values within values.
    #[error("values are nested too deeply")]
    Depth,
    /// Far more values than bytes.
    #[error("the value is out of proportion to its size")]
    Amplification,
    /// Something else is wrong.
    #[error("{0}")]
    Invalid(&'static str),
}

/// A value of which text and bytes stay where they are.
pub(crate) enum Borrowed<'a> {
    /// A string or symbol.
    Text(&'a str),
    Binary(&'a [u8]),
    /// Anything else, and whatever is described.
    Other(Value),
}

impl Borrowed<'_> {
    /// Whether it is null, described or not.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Other(value) if *value.undescribed() == Value::Null)
    }
}

/// Reads values off the front of a slice.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
    /// What may still be built. Elements of width zero cost nothing on the wire, so a count alone could ask for any
    /// amount of memory.
    budget: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, budget: bytes.len().saturating_mul(4).saturating_add(256) }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Value, DecodeError> {
        self.nested(0)
    }

    /// Hands on the elements of the next value, a list, each with its index; none where it is no list.
    pub(crate) fn list(&mut self, mut take: impl FnMut(usize, Borrowed<'a>)) -> Result<(), DecodeError> {
        if !matches!(self.rest, [0xc0 | 0xd0, ..]) {
            return self.value().map(drop);
        }
        let code = self.opened()?;
        self.within(code, 0, |inner, count, depth| {
            (0..count).try_for_each(|index| {
                take(index, inner.borrowed(depth)?);
                Ok(())
            })
        })
    }

    /// Hands on the entries of the next value, a map, those whose key is text; none where it is no map.
    pub(crate) fn map(&mut self, mut take: impl FnMut(&'a str, Borrowed<'a>)) -> Result<(), DecodeError> {
        if !matches!(self.rest, [0xc1 | 0xd1, ..]) {
            return self.value().map(drop);
        }
        let code = self.opened()?;
        self.within(code, 0, |inner, count, depth| {
            if !count.is_multiple_of(2) {
                return Err(KEY_WITHOUT_VALUE);
            }
            (0..count / 2).try_for_each(|_| {
                let (key, value) = (inner.borrowed(depth)?, inner.borrowed(depth)?);
                if let Borrowed::Text(key) = key {
                    take(key, value);
                }
                Ok(())
            })
        })
    }

    fn borrowed(&mut self, depth: u8) -> Result<Borrowed<'a>, DecodeError> {
        Ok(match self.rest {
            [0xa1 | 0xa3 | 0xb1 | 0xb3, ..] => {
                let code = self.opened()?;
                Borrowed::Text(self.text(code)?)
            }
            [0xa0 | 0xb0, ..] => {
                let code = self.opened()?;
                Borrowed::Binary(self.sized(code)?)
            }
            _ => Borrowed::Other(self.nested(depth)?),
        })
    }

    /// The constructor of a value that is not described.
    fn opened(&mut self) -> Result<u8, DecodeError> {
        self.spend(1)?;
        self.byte()
    }

    fn nested(&mut self, depth: u8) -> Result<Value, DecodeError> {
        match self.byte()? {
            0 if depth >= MAX_DEPTH => Err(DecodeError::Depth),
            0 => {
                let descriptor = self.nested(depth + 1)?;
                let value = self.nested(depth + 1)?;
                self.spend(1)?;
                Ok(Value::Described(Box::new(descriptor), Box::new(value)))
            }
            code => self.body(code, depth),
        }
    }

    /// The value behind constructor `code`.
    fn body(&mut self, code: u8, depth: u8) -> Result<Value, DecodeError> {
        self.spend(1)?;
        Ok(match code {
            0x40 => Value::Null,
            0x41 => Value::Bool(true),
            0x42 => Value::Bool(false),
            0x43 => Value::Uint(0),
            0x44 => Value::Ulong(0),
            0x45 => Value::List(Vec::new()),
            0x50 => Value::Ubyte(self.byte()?),
            0x51 => Value::Byte(i8::from_be_bytes(self.array()?)),
            0x52 => Value::Uint(self.byte()?.into()),
            0x53 => Value::Ulong(self.byte()?.into()),
            0x54 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            0x55 => Value::Long(i8::from_be_bytes(self.array()?).into()),
            0x56 => Value::Bool(match self.byte()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::Invalid("a boolean is neither 0 nor 1")),
            }),
            0x60 => Value::Ushort(u16::from_be_bytes(self.array()?)),
            0x61 => Value::Short(i16::from_be_bytes(self.array()?)),
            0x70 => Value::Uint(u32::from_be_bytes(self.array()?)),
            0x71 => Value::Int(i32::from_be_bytes(self.array()?)),
            0x72 => Value::Float(f32::from_be_bytes(self.array()?)),
            0x73 => Value::Char(
                char::from_u32(u32::from_be_bytes(self.array()?))
                    .ok_or(DecodeError::Invalid("a char is not a Unicode scalar value"))?,
            ),
            0x74 => Value::Decimal32(self.array()?),
            0x80 => Value::Ulong(u64::from_be_bytes(self.array()?)),
            0x81 => Value::Long(i64::from_be_bytes(self.array()?)),
            0x82 => Value::Double(f64::from_be_bytes(self.array()?)),
            0x83 => Value::Timestamp(i64::from_be_bytes(self.array()?)),
            0x84 => Value::Decimal64(self.array()?),
            0x94 => Value::Decimal128(self.array()?),
            0x98 => Value::Uuid(uuid::Uuid::from_bytes(self.array()?)),
            0xa0 | 0xb0 => Value::Binary(self.sized(code)?.to_vec()),
            0xa1 | 0xb1 => Value::string(self.text(code)?),
            0xa3 | 0xb3 => Value::symbol(self.text(code)?),
            0xc0 | 0xd0 => Value::List(self.compound(code, depth)?),
            0xc1 | 0xd1 => Value::Map(pairs(self.compound(code, depth)?)?),
            0xe0 | 0xf0 => Value::Array(self.elements(code, depth)?),
            other => return Err(DecodeError::Constructor(other)),
        })
    }

    /// Values of a list or map.
    fn compound(&mut self, code: u8, depth: u8) -> Result<Vec<Value>, DecodeError> {
        self.within(code, depth, |inner, count, depth| {
            let values = (0..count).map(|_| inner.nested(depth));
            values.collect()
        })
    }

    /// Elements of an array, which share one constructor.
    fn elements(&mut self, code: u8, depth: u8) -> Result<Vec<Value>, DecodeError> {
        self.within(code, depth, |inner, count, depth| {
            // Descriptors nest (part 1 section 1.2): the constructor of an element can be described more than once.
            let before = inner.rest.len();
            let mut descriptors = Vec::new();
            let code = loop {
                match inner.byte()? {
                    0 if descriptors.len() >= usize::from(MAX_DEPTH) => return Err(DecodeError::Depth),
                    0 => descriptors.push(inner.nested(depth)?),
                    code => break code,
                }
            };
            let cost = before - inner.rest.len() - 1;
            let elements = (0..count).map(|_| {
                let value = inner.body(code, depth)?;
                inner.spend(cost)?;
                let describe =
                    |value, descriptor: &Value| Value::Described(Box::new(descriptor.clone()), Box::new(value));
                Ok(descriptors.iter().rev().fold(value, describe))
            });
            elements.collect()
        })
    }

    /// Runs `read` on exactly the bytes of a compound value; it must use them up.
    fn within<T>(
        &mut self,
        code: u8,
        depth: u8,
        read: impl FnOnce(&mut Self, usize, u8) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if depth >= MAX_DEPTH {
            return Err(DecodeError::Depth);
        }
        let bytes = self.sized(code)?;
        let mut inner = Self { rest: bytes, budget: self.budget };
        let count = inner.length(code)?;
        let value = read(&mut inner, count, depth + 1)?;
        if !inner.rest.is_empty() {
            return Err(DecodeError::Invalid("a compound value is longer than its elements"));
        }
        self.budget = inner.budget;
        Ok(value)
    }

    fn text(&mut self, code: u8) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.sized(code)?).map_err(|_| DecodeError::Invalid("text is not UTF-8"))
    }

    /// The bytes of a variable-width, compound or array value.
    fn sized(&mut self, code: u8) -> Result<&'a [u8], DecodeError> {
        let length = self.length(code)?;
        self.take(length)
    }

    /// A size or count: one byte for the narrow constructors (0xA_, 0xC_, 0xE_), four for the wide.
    fn length(&mut self, code: u8) -> Result<usize, DecodeError> {
        if code & 0x10 == 0 {
            return Ok(self.byte()?.into());
        }
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| DecodeError::Truncated)
    }

    fn spend(&mut self, cost: usize) -> Result<(), DecodeError> {
        self.budget = self.budget.checked_sub(cost).ok_or(DecodeError::Amplification)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn pairs(values: Vec<Value>) -> Result<Vec<(Value, Value)>, DecodeError> {
    if !values.len().is_multiple_of(2) {
        return Err(KEY_WITHOUT_VALUE);
    }
    let mut values = values.into_iter();
    Ok(std::iter::from_fn(|| Some((values.next()?, values.next()?))).collect())
}
