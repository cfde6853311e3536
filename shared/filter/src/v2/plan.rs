//! The body of `planSnapshot`: which part of an archive a client wants.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{V2Error, V2Lists};
use crate::{Filter, MAX_DIDS};

/// A plan that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequest {
    /// The wanted events.
    pub filter: Filter,
    /// Events up to here are not wanted.
    pub after: u64,
    /// Events behind here are not wanted.
    pub before: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    kinds: Values<'a>,
    #[serde(borrow, default)]
    dids: Values<'a>,
    #[serde(borrow, default)]
    collections: Values<'a>,
    after_seq: Option<i64>,
    before_seq: Option<i64>,
}

/// A list, of which no more is kept than shows that it is too long.
#[derive(Default)]
struct Values<'a>(Vec<Cow<'a, str>>);

impl PlanRequest {
    /// Parses a body. Unknown keys are ignored, an absent list matches everything.
    ///
    /// # Errors
    /// [`V2Error`] with the first invalid value.
    pub fn parse(body: &[u8]) -> Result<Self, V2Error> {
        // A derived struct would take an array, too, value by value.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(V2Error::Plan("expected a JSON object".to_owned()));
        }
        let body: Body<'_> =
            serde_json::from_slice(body).map_err(|error| V2Error::Plan(error.to_string()))?;
        let lists = V2Lists {
            kinds: body.kinds.0,
            dids: body.dids.0,
            collections: body.collections.0,
        };
        let filter = lists.filter(|| Ok(0))?;
        let seq = |name, value: i64| {
            u64::try_from(value)
                .map_err(|_| V2Error::Plan(format!("{name} must not be negative: {value}")))
        };
        let after = body
            .after_seq
            .map_or(Ok(0), |after| seq("afterSeq", after))?;
        let before = body.before_seq.map(|before| seq("beforeSeq", before));
        let before = before.transpose()?;
        match before {
            Some(before) if before <= after => Err(V2Error::Plan(format!(
                "beforeSeq must be above afterSeq: {before} <= {after}"
            ))),
            _ => Ok(Self {
                filter,
                after,
                before,
            }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Values<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings")
            }

            /// What a Go client sends for a list that it does not have.
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Values::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while values.len() <= MAX_DIDS {
                    match list.next_element::<Text<'_>>()? {
                        Some(Text(value)) => values.push(value),
                        None => return Ok(Values(values)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Values(values))
            }
        }

        deserializer.deserialize_any(List)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
