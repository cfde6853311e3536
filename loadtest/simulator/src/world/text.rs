//! Post texts that read like posts, in several languages and scripts.
//!
//! They contain everything that is hard for encoders: emoji, quotes, backslashes, newlines, tabs, `&<>`, and facets whose
//! offsets count bytes.

mod phrases;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::value::Value;
use phrases::{
    ADJECTIVES, ARABIC, EMOJI, ENGLISH, JAPANESE, KOREAN, Language, NOUNS, PORTUGUESE, TAGS,
};

/// A text with the facets in it and its languages.
pub(crate) struct PostText {
    pub(crate) text: String,
    pub(crate) facets: Vec<Value>,
    pub(crate) langs: &'static [&'static str],
}

/// Writes a text of about `words` words. A mention names `mentioned`.
pub(crate) fn post(rng: &mut ChaCha8Rng, words: usize, mentioned: &str) -> PostText {
    let (language, langs): (_, &[&str]) = match rng.random_range(0..20) {
        0..11 => (&ENGLISH, &["en"]),
        11..15 => (&JAPANESE, &["ja"]),
        15..17 => (&PORTUGUESE, &["pt", "en"]),
        17 => (&ARABIC, &["ar"]),
        18 => (&KOREAN, &["ko"]),
        _ => (&ENGLISH, &[]),
    };
    let mut post = PostText {
        text: String::with_capacity(8 * words),
        facets: Vec::new(),
        langs,
    };
    if rng.random_bool(0.08) {
        post.push_mention(mentioned);
        post.text.push(' ');
    }
    let mut written = 0;
    while written < words {
        if written > 0 {
            match rng.random_range(0..12) {
                0 | 1 => post.text.push_str("\n\n"),
                2 => post.text.push_str("\n-\t"),
                _ => post.text.push_str(language.gap),
            }
        }
        written += post.push_sentence(rng, language, words - written);
        if rng.random_bool(0.2) {
            post.text.push(' ');
            post.text.push_str(pick(rng, EMOJI));
        }
    }
    if rng.random_bool(0.08) {
        post.text.push(' ');
        post.push_link(rng.random_range(0..1_000_000));
    }
    while rng.random_bool(0.15) {
        post.text.push(' ');
        post.push_tag(pick(rng, TAGS));
    }
    post
}

/// One phrase of about `words` words, for titles and descriptions.
pub(crate) fn phrase(rng: &mut ChaCha8Rng, words: usize) -> String {
    if words < 5 {
        return format!("{} {}", pick(rng, ADJECTIVES), pick(rng, NOUNS));
    }
    let mut post = PostText {
        text: String::new(),
        facets: Vec::new(),
        langs: &[],
    };
    let mut written = 0;
    while written < words {
        if written > 0 {
            post.text.push(' ');
        }
        written += post.push_sentence(rng, &ENGLISH, words - written);
    }
    post.text
}

pub(crate) fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

impl PostText {
    /// Appends a sentence, a short one if only few words are left; returns its number of words.
    fn push_sentence(&mut self, rng: &mut ChaCha8Rng, language: &Language, left: usize) -> usize {
        let sentences = if left < 4 {
            language.short
        } else {
            language.sentences
        };
        let start = self.text.len();
        let sentence = pick(rng, sentences);
        match sentence.split_once("{}") {
            Some((before, after)) => {
                let topic = pick(rng, language.topics);
                self.text.extend([before, topic, after]);
            }
            None => self.text.push_str(sentence),
        }
        // Japanese has no blanks, and nine bytes are about three characters.
        let by_bytes = (self.text.len() - start) / 9;
        self.text[start..]
            .split_whitespace()
            .count()
            .max(by_bytes)
            .max(1)
    }

    fn push_mention(&mut self, did: &str) {
        let feature = Value::map([
            ("$type", Value::text("app.bsky.richtext.facet#mention")),
            ("did", Value::text(did)),
        ]);
        self.push_facet("@friend.example.com", feature);
    }

    fn push_tag(&mut self, tag: &str) {
        let feature = Value::map([
            ("$type", Value::text("app.bsky.richtext.facet#tag")),
            ("tag", Value::text(tag)),
        ]);
        self.push_facet(&format!("#{tag}"), feature);
    }

    fn push_link(&mut self, page: u32) {
        let uri = format!("https://example.com/a?id={page}&lang=<en>#top");
        let feature = Value::map([
            ("$type", Value::text("app.bsky.richtext.facet#link")),
            ("uri", Value::text(uri)),
        ]);
        self.push_facet(&format!("example.com/a?id={}...", page / 1000), feature);
    }

    fn push_facet(&mut self, shown: &str, feature: Value) {
        let start = self.text.len() as i64;
        self.text.push_str(shown);
        self.facets.push(Value::map([
            (
                "index",
                Value::map([
                    ("byteStart", Value::Int(start)),
                    ("byteEnd", Value::Int(self.text.len() as i64)),
                ]),
            ),
            ("features", Value::List(vec![feature])),
        ]));
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_seed_decides_the_text() {
        let text = |seed| post(&mut ChaCha8Rng::seed_from_u64(seed), 20, "did:plc:a").text;
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    /// Posts are sentences without placeholders, about as long as requested, and facets point at their text.
    #[test]
    fn posts_consist_of_whole_sentences() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut bytes, mut facets) = (0, 0);
        for _ in 0..2_000 {
            let post = post(&mut rng, 10, "did:plc:a");
            assert!(!post.text.contains("{}") && !post.text.is_empty());
            bytes += post.text.len();
            for facet in &post.facets {
                let Value::Map(fields) = facet else {
                    panic!("a facet is a map")
                };
                let Some((_, Value::Map(index))) = fields.iter().find(|(key, _)| key == "index")
                else {
                    panic!("a facet has an index")
                };
                let [(_, Value::Int(start)), (_, Value::Int(end))] = index[..] else {
                    panic!("an index has two bounds")
                };
                let shown = &post.text[start as usize..end as usize];
                assert!(["@", "#", "example"].iter().any(|it| shown.starts_with(it)));
                facets += 1;
            }
        }
        let average = bytes / 2_000;
        assert!((50..150).contains(&average), "{average} bytes per post");
        assert!(facets > 300, "{facets}");
    }

    #[test]
    fn texts_contain_what_is_hard_for_encoders() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let texts: String = (0..5_000)
            .map(|_| post(&mut rng, 12, "did:plc:a").text)
            .collect();
        for hard in [
            "\"", "\\", "\n", "\t", "&", "<", ">", "\u{2028}", "\u{200d}", "𝔸", "é",
        ] {
            assert!(texts.contains(hard), "{hard:?}");
        }
    }
}
