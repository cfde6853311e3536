//! A tree of DAG-CBOR values with maps in wire order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
    /// The bytes that should be a CID.
    Link(Vec<u8>),
}

impl Value {
    /// The length of this value in DAG-CBOR, whose encoding is unique.
    ///
    /// serde_ipld_dagcbor lets keys of indefinite length pass; such an input is longer than what it decodes to.
    pub(super) fn encoded_len(&self) -> usize {
        let content = |len: usize| head_len(len as u128) + len;
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Integer(value @ 0..) => head_len(value.unsigned_abs()),
            Self::Integer(value) => head_len(value.unsigned_abs() - 1),
            Self::Float(_) => 9,
            Self::Text(text) => content(text.len()),
            Self::Bytes(bytes) => content(bytes.len()),
            // The tag, and a zero in front of the CID.
            Self::Link(cid) => 2 + content(cid.len() + 1),
            Self::List(list) => {
                head_len(list.len() as u128) + list.iter().map(Self::encoded_len).sum::<usize>()
            }
            Self::Map(map) => {
                let entries = map
                    .iter()
                    .map(|(key, value)| content(key.len()) + value.encoded_len());
                head_len(map.len() as u128) + entries.sum::<usize>()
            }
        }
    }

    /// Its nesting depth; a number is one level.
    pub(super) fn levels(&self) -> usize {
        let deepest = match self {
            Self::List(list) => list.iter().map(Self::levels).max(),
            Self::Map(map) => map.iter().map(|(_, value)| value.levels()).max(),
            _ => None,
        };
        1 + deepest.unwrap_or(0)
    }
}

fn head_len(argument: u128) -> usize {
    match argument {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a DAG-CBOR value")
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f32<E: Error>(self, _: f32) -> Result<Value, E> {
        Err(E::custom("single float"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value == 0.0 && value.is_sign_negative() {
            return Err(E::custom("negative zero"));
        }
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }

    /// Only links are newtypes.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_bytes(LinkBytes)
    }
}

struct LinkBytes;

impl Visitor<'_> for LinkBytes {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a CID")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Link(bytes.to_vec()))
    }
}
