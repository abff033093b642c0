//! Encoding: values to bytes.
//!
//! Numbers and text take their shortest form; compound values always take the wide one, whose size can be filled in
//! afterwards.

use bytes::{BufMut, BytesMut};

use super::value::Value;

impl Value {
    /// Appends the encoded value to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Null => out.put_u8(0x40),
            Self::Bool(true) => out.put_u8(0x41),
            Self::Bool(false) => out.put_u8(0x42),
            Self::Uint(0) => out.put_u8(0x43),
            Self::Ulong(0) => out.put_u8(0x44),
            Self::Uint(n) => match u8::try_from(*n) {
                Ok(n) => out.put_slice(&[0x52, n]),
                Err(_) => self.encode_wide(out),
            },
            Self::Ulong(n) => match u8::try_from(*n) {
                Ok(n) => out.put_slice(&[0x53, n]),
                Err(_) => self.encode_wide(out),
            },
            Self::Int(n) => match i8::try_from(*n) {
                Ok(n) => out.put_slice(&[0x54, n.to_be_bytes()[0]]),
                Err(_) => self.encode_wide(out),
            },
            Self::Long(n) => match i8::try_from(*n) {
                Ok(n) => out.put_slice(&[0x55, n.to_be_bytes()[0]]),
                Err(_) => self.encode_wide(out),
            },
            Self::Binary(bytes) => self.encode_bytes(0xa0, bytes, out),
            Self::String(text) => self.encode_bytes(0xa1, text.as_bytes(), out),
            Self::Symbol(text) => self.encode_bytes(0xa3, text.as_bytes(), out),
            Self::List(items) if items.is_empty() => out.put_u8(0x45),
            Self::Array(items) if !same_kind(items) => Self::List(items.clone()).encode(out),
            Self::Described(descriptor, value) => {
                out.put_u8(0);
                descriptor.encode(out);
                value.encode(out);
            }
            _ => self.encode_wide(out),
        }
    }

    fn encode_bytes(&self, narrow: u8, bytes: &[u8], out: &mut BytesMut) {
        match u8::try_from(bytes.len()) {
            Ok(length) => {
                out.put_slice(&[narrow, length]);
                out.put_slice(bytes);
            }
            Err(_) => self.encode_wide(out),
        }
    }

    fn encode_wide(&self, out: &mut BytesMut) {
        self.encode_constructor(out);
        self.encode_body(out);
    }

    /// The constructor of the widest form, which all values of the type can share in an array.
    fn encode_constructor(&self, out: &mut BytesMut) {
        out.put_u8(match self {
            Self::Null => 0x40,
            Self::Bool(_) => 0x56,
            Self::Ubyte(_) => 0x50,
            Self::Ushort(_) => 0x60,
            Self::Uint(_) => 0x70,
            Self::Ulong(_) => 0x80,
            Self::Byte(_) => 0x51,
            Self::Short(_) => 0x61,
            Self::Int(_) => 0x71,
            Self::Long(_) => 0x81,
            Self::Float(_) => 0x72,
            Self::Double(_) => 0x82,
            Self::Decimal32(_) => 0x74,
            Self::Decimal64(_) => 0x84,
            Self::Decimal128(_) => 0x94,
            Self::Char(_) => 0x73,
            Self::Timestamp(_) => 0x83,
            Self::Uuid(_) => 0x98,
            Self::Binary(_) => 0xb0,
            Self::String(_) => 0xb1,
            Self::Symbol(_) => 0xb3,
            Self::List(_) => 0xd0,
            Self::Map(_) => 0xd1,
            Self::Array(_) => 0xf0,
            Self::Described(descriptor, value) => {
                out.put_u8(0);
                descriptor.encode(out);
                return value.encode_constructor(out);
            }
        });
    }

    fn encode_body(&self, out: &mut BytesMut) {
        match self {
            Self::Null => {}
            Self::Bool(value) => out.put_u8(u8::from(*value)),
            Self::Ubyte(n) => out.put_u8(*n),
            Self::Ushort(n) => out.put_u16(*n),
            Self::Uint(n) => out.put_u32(*n),
            Self::Ulong(n) => out.put_u64(*n),
            Self::Byte(n) => out.put_i8(*n),
            Self::Short(n) => out.put_i16(*n),
            Self::Int(n) => out.put_i32(*n),
            Self::Long(n) | Self::Timestamp(n) => out.put_i64(*n),
            Self::Float(n) => out.put_f32(*n),
            Self::Double(n) => out.put_f64(*n),
            Self::Decimal32(bytes) => out.put_slice(bytes),
            Self::Decimal64(bytes) => out.put_slice(bytes),
            Self::Decimal128(bytes) => out.put_slice(bytes),
            Self::Char(value) => out.put_u32(u32::from(*value)),
            Self::Uuid(value) => out.put_slice(value.as_bytes()),
            Self::Binary(bytes) => put_sized(bytes, out),
            Self::String(text) | Self::Symbol(text) => put_sized(text.as_bytes(), out),
            Self::List(items) => put_compound(items.len(), out, |out| {
                items.iter().for_each(|item| item.encode(out));
            }),
            Self::Map(entries) => put_compound(entries.len() * 2, out, |out| {
                for (key, value) in entries {
                    key.encode(out);
                    value.encode(out);
                }
            }),
            Self::Array(items) => put_compound(items.len(), out, |out| {
                items.first().unwrap_or(&Self::Null).encode_constructor(out);
                items.iter().for_each(|item| item.encode_body(out));
            }),
            Self::Described(_, value) => value.encode_body(out),
        }
    }
}

/// Whether the items can share one constructor; those that cannot are no array.
fn same_kind(items: &[Value]) -> bool {
    fn pair(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Described(a, x), Value::Described(b, y)) => a == b && pair(x, y),
            // An array of arrays writes each body behind its own inner constructor.
            (Value::Array(a), Value::Array(b)) => same_kind(a) && same_kind(b),
            _ => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
    items.first().is_none_or(|first| items.iter().all(|item| pair(first, item)))
}

/// A length of the wide form. What we send is far below its limit of 4 GiB.
fn wide(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put_sized(bytes: &[u8], out: &mut BytesMut) {
    out.put_u32(wide(bytes.len()));
    out.put_slice(bytes);
}

/// Size, count and elements; the size is filled in once it is known.
fn put_compound(count: usize, out: &mut BytesMut, elements: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_u32(wide(count));
    elements(out);
    let size = wide(out.len() - start - 4);
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::decode::Decoder;
    use super::super::section;
    use super::*;

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<u8>().prop_map(Value::Ubyte),
            any::<u16>().prop_map(Value::Ushort),
            prop_oneof![0..300_u32, any::<u32>()].prop_map(Value::Uint),
            prop_oneof![0..300_u64, any::<u64>()].prop_map(Value::Ulong),
            any::<i8>().prop_map(Value::Byte),
            any::<i16>().prop_map(Value::Short),
            prop_oneof![-200..200_i32, any::<i32>()].prop_map(Value::Int),
            prop_oneof![-200..200_i64, any::<i64>()].prop_map(Value::Long),
            (-1e9_f32..1e9).prop_map(Value::Float),
            (-1e9_f64..1e9).prop_map(Value::Double),
            any::<[u8; 8]>().prop_map(Value::Decimal64),
            any::<char>().prop_map(Value::Char),
            any::<i64>().prop_map(Value::Timestamp),
            any::<u128>().prop_map(|bits| Value::Uuid(uuid::Uuid::from_u128(bits))),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Binary),
            ".{0,300}".prop_map(Value::String),
            "[ -~]{0,300}".prop_map(Value::Symbol),
        ]
    }

    /// Any value.
    pub(crate) fn value() -> impl Strategy<Value = Value> {
        leaf().prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
                prop::collection::vec((inner.clone(), inner.clone()), 0..8).prop_map(Value::Map),
                // Equal elements are the simplest that share a constructor.
                (inner.clone(), 0..4_usize).prop_map(|(item, count)| Value::Array(vec![item; count])),
                (leaf(), inner).prop_map(|(a, b)| Value::Described(Box::new(a), Box::new(b))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_survives_the_wire(value in value()) {
            let mut bytes = BytesMut::new();
            value.encode(&mut bytes);
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!(decoder.value(), Ok(value));
            prop_assert!(decoder.rest().is_empty());
            prop_assert_eq!(section::width(&bytes), Ok(bytes.len()));
        }

        #[test]
        fn arbitrary_bytes_end_in_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let mut decoder = Decoder::new(&bytes);
            while decoder.value().is_ok() {}
        }

        #[test]
        fn damaged_values_end_in_a_value_or_an_error(value in value(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = BytesMut::new();
            value.encode(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            drop(Decoder::new(&bytes).value());
        }
    }

    /// As random values seldom are: elements whose one constructor has two descriptors.
    #[test]
    fn an_array_of_twice_described_values_survives_the_wire() {
        let described = |value| Value::Described(Box::new(Value::Symbol("a:b".to_owned())), Box::new(value));
        let value = Value::Array(vec![described(described(Value::Long(-204))), described(described(Value::Long(7)))]);
        let mut bytes = BytesMut::new();
        value.encode(&mut bytes);
        assert_eq!(Decoder::new(&bytes).value(), Ok(value));
        assert_eq!(section::width(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn a_count_alone_allocates_nothing() {
        // An array of four billion nulls, in 14 bytes.
        let bytes = [0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40];
        assert_eq!(Decoder::new(&bytes).value(), Err(super::super::decode::DecodeError::Amplification));
    }
}
