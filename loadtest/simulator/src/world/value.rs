//! The record model, before encoding. The frames take their CBOR from it and the expected events their JSON, so that
//! neither is derived from the other.

use fanjet_event::Cid;

use super::cbor;

/// One value of the ATProto data model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Link(Cid),
    List(Vec<Value>),
    /// Keys are unique; their order is not significant.
    Map(Vec<(String, Value)>),
    Blob {
        content: Cid,
        mime_type: &'static str,
        size: i64,
    },
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// A `com.atproto.repo.strongRef`.
    pub(crate) fn strong_ref(uri: String, cid: Cid) -> Self {
        Self::map([
            ("cid", Self::text(cid.to_string())),
            ("uri", Self::Text(uri)),
        ])
    }

    /// Appends the DAG-CBOR of this value.
    pub(crate) fn write_cbor(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => cbor::null(out),
            Self::Bool(value) => cbor::boolean(out, *value),
            Self::Int(value) => cbor::integer(out, *value),
            Self::Float(value) => cbor::float(out, *value),
            Self::Text(value) => cbor::text(out, value),
            Self::Bytes(value) => cbor::bytes(out, value),
            Self::Link(cid) => cbor::link(out, *cid),
            Self::List(elements) => {
                cbor::array(out, elements.len());
                elements.iter().for_each(|element| element.write_cbor(out));
            }
            Self::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
                cbor::map(out, sorted.len());
                for (key, value) in sorted {
                    cbor::text(out, key);
                    value.write_cbor(out);
                }
            }
            Self::Blob {
                content,
                mime_type,
                size,
            } => {
                cbor::map(out, 4);
                cbor::text(out, "ref");
                cbor::link(out, *content);
                cbor::text(out, "size");
                cbor::integer(out, *size);
                cbor::text(out, "$type");
                cbor::text(out, "blob");
                cbor::text(out, "mimeType");
                cbor::text(out, mime_type);
            }
        }
    }
}
