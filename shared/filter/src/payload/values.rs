//! A list of strings that keeps only values with new information.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{Filter, List};

/// The strings of a message, without repetitions if there are many: a value takes the same memory however often it is
/// repeated.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    kept: Vec<Cow<'a, str>>,
    named: usize,
}

impl<'a> Values<'a> {
    /// Parses values of this list; `null` is the empty list.
    pub(super) fn of(list: List) -> Reader {
        Reader(list)
    }

    /// The kept values, and the number of strings.
    pub(super) fn into_parts(self) -> (Vec<Cow<'a, str>>, usize) {
        (self.kept, self.named)
    }
}

/// Parses a list.
pub(super) struct Reader(List);

/// Repetitions are removed once there are this many times more strings than allowed values.
const TEXTS_PER_VALUE: usize = 2;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Values<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Values<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of texts or null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kept: Vec<Cow<'de, str>> = Vec::new();
        let mut named = 0_usize;
        let mut is_wrong = false;
        let mut look_at = self.0.max() * TEXTS_PER_VALUE;
        while let Some(Text(text)) = list.next_element()? {
            named += 1;
            // Values after the first invalid one, or beyond the maximum, are never used.
            if is_wrong || named > self.0.max_values() {
                continue;
            }
            if !Filter::accepts(self.0, &text) {
                is_wrong = true;
                kept.clear();
            }
            kept.push(text);
            if kept.len() >= look_at {
                kept.sort_unstable();
                kept.dedup();
                look_at = look_at.max(kept.len() * TEXTS_PER_VALUE);
            }
        }
        Ok(Values { kept, named })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Values::default())
    }
}

/// One string. `null` is the empty one, as in Go.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: List, json: &str) -> Values<'_> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Values::of(list).deserialize(&mut deserializer).unwrap()
    }

    /// The memory of the kept strings, and how many of them are not borrowed.
    fn memory(values: &Values<'_>) -> usize {
        let owned = values
            .kept
            .iter()
            .filter(|text| matches!(text, Cow::Owned(_)));
        values.kept.capacity() * size_of::<Cow<'_, str>>()
            + owned.map(|text| text.len()).sum::<usize>()
    }

    /// A million values in ten megabytes.
    #[test]
    fn what_is_kept_is_a_small_multiple_of_what_was_sent() {
        let json = |text: &dyn Fn(usize) -> String| {
            let texts: Vec<_> = (0..1_000_001)
                .map(|at| format!("\"{}\"", text(at)))
                .collect();
            format!("[{}]", texts.join(","))
        };
        let equal = json(&|_| "did:a:b".to_owned());
        let values = read(List::WantedDids, &equal);
        assert_eq!(
            (values.named, values.kept.last().map(|it| &**it)),
            (1_000_001, Some("did:a:b"))
        );
        assert!(memory(&values) <= equal.len() / 10, "{}", memory(&values));

        let escaped = json(&|_| "did:a:\\u0062".to_owned());
        assert!(memory(&read(List::UnwantedDids, &escaped)) <= escaped.len() / 10);

        let different = json(&|at| format!("did:a:{at}"));
        let values = read(List::WantedDids, &different);
        assert_eq!(values.kept.len(), List::WantedDids.max_values());
        assert!(
            memory(&values) <= 4 * different.len(),
            "{}",
            memory(&values)
        );
    }

    #[test]
    fn the_first_wrong_value_is_the_one_that_is_kept() {
        for list in List::ALL {
            let values = read(list, r#"["a wrong one", "another"]"#);
            assert_eq!(
                (values.kept.as_slice(), values.named),
                (&[Cow::from("a wrong one")][..], 2)
            );
        }
        let texts = [&["\"did:a:b\""; 50_000][..], &["\"x\"", "\"y\""]].concat();
        let json = format!("[{}]", texts.join(","));
        let values = read(List::WantedDids, &json);
        assert!(values.kept.contains(&Cow::from("x")) && !values.kept.contains(&Cow::from("y")));
    }
}
