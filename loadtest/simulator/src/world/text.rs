//! Post texts in several scripts, with what is hard for encoders: emoji, quotes, backslashes, newlines, `&<>`,
//! and facets whose offsets count bytes.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::value::Value;

const ENGLISH: &[&str] = &[
    "the",
    "morning",
    "coffee",
    "train",
    "is",
    "late",
    "again",
    "but",
    "I",
    "really",
    "love",
    "this",
    "song",
    "about",
    "rain",
    "and",
    "slow",
    "afternoons",
    "with",
    "friends",
    "who",
    "never",
    "answer",
    "their",
    "mail",
    "today",
    "we",
    "shipped",
    "it",
    "finally",
    "<b>bold</b>",
    "R&D",
    "\"quoted\"",
    "C:\\temp",
    "it's",
    "1 < 2",
    "a/b",
    "naïve",
    "café",
];
const JAPANESE: &[&str] = &[
    "今日は",
    "とても",
    "いい",
    "天気",
    "です",
    "ね",
    "コーヒー",
    "を",
    "飲みながら",
    "本を",
    "読む",
    "猫",
    "が",
    "寝ている",
    "新しい",
    "写真",
    "を",
    "撮りました",
    "！",
    "。",
];
const PORTUGUESE: &[&str] = &[
    "bom",
    "dia",
    "gente",
    "não",
    "consigo",
    "acreditar",
    "que",
    "já",
    "é",
    "sexta-feira",
    "então",
    "vamos",
    "à",
    "praia",
    "com",
    "açaí",
    "e",
    "pão",
];
const ARABIC: &[&str] = &[
    "صباح",
    "الخير",
    "يا",
    "أصدقاء",
    "اليوم",
    "جميل",
    "جدا",
    "في",
    "المدينة",
];
const KOREAN: &[&str] = &[
    "오늘은",
    "날씨가",
    "정말",
    "좋네요",
    "커피",
    "한잔",
    "하고",
    "싶다",
    "고양이",
];
const EMOJI: &[&str] = &[
    "😀",
    "🎉",
    "❤️",
    "👩‍🚀",
    "🏳️‍🌈",
    "🇧🇷",
    "👍🏽",
    "✨",
    "\u{200d}",
    "\u{2028}",
    "𝔸",
];
const TAGS: &[&str] = &[
    "art",
    "nowplaying",
    "写真",
    "caturday",
    "rustlang",
    "Fußball",
];

/// A text with the facets in it and its languages.
pub(crate) struct PostText {
    pub(crate) text: String,
    pub(crate) facets: Vec<Value>,
    pub(crate) langs: &'static [&'static str],
}

/// Writes a text of about `words` words. A mention names `mentioned`.
pub(crate) fn post(rng: &mut ChaCha8Rng, words: usize, mentioned: &str) -> PostText {
    let (vocabulary, langs): (_, &[&str]) = match rng.random_range(0..20) {
        0..11 => (ENGLISH, &["en"]),
        11..15 => (JAPANESE, &["ja"]),
        15..17 => (PORTUGUESE, &["pt", "en"]),
        17 => (ARABIC, &["ar"]),
        18 => (KOREAN, &["ko"]),
        _ => (ENGLISH, &[]),
    };
    let spaced = langs != ["ja"];
    let mut post = PostText {
        text: String::with_capacity(8 * words),
        facets: Vec::new(),
        langs,
    };
    for index in 0..words {
        if index > 0 {
            match rng.random_range(0..30) {
                0 => post.text.push_str("\n\n"),
                1 => post.text.push('\t'),
                _ if spaced => post.text.push(' '),
                _ => {}
            }
        }
        match rng.random_range(0..100) {
            0..4 => post.text.push_str(pick(rng, EMOJI)),
            4..6 => {
                let tag = pick(rng, TAGS);
                let feature = Value::map([
                    ("$type", Value::text("app.bsky.richtext.facet#tag")),
                    ("tag", Value::text(tag)),
                ]);
                post.push_facet(&format!("#{tag}"), feature);
            }
            6 => {
                let page = rng.random_range(0..1_000_000);
                let feature = Value::map([
                    ("$type", Value::text("app.bsky.richtext.facet#link")),
                    (
                        "uri",
                        Value::text(format!("https://example.com/a?id={page}&lang=<en>#top")),
                    ),
                ]);
                post.push_facet(&format!("example.com/a?id={}...", page / 1000), feature);
            }
            7 => {
                let feature = Value::map([
                    ("$type", Value::text("app.bsky.richtext.facet#mention")),
                    ("did", Value::text(mentioned)),
                ]);
                post.push_facet("@friend.example.com", feature);
            }
            _ => post.text.push_str(pick(rng, vocabulary)),
        }
    }
    post
}

/// One phrase, for titles and descriptions.
pub(crate) fn phrase(rng: &mut ChaCha8Rng, words: usize) -> String {
    let words: Vec<&str> = (0..words).map(|_| pick(rng, ENGLISH)).collect();
    words.join(" ")
}

pub(crate) fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

impl PostText {
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
