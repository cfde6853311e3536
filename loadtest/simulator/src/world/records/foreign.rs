//! Records of unknown collections: everything the data model allows.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::world::repo::unseen_cid;
use crate::world::text;
use crate::world::value::Value;

/// Integers at the edges of 64 bits, floats and CBOR heads.
const INTEGERS: [i64; 16] = [
    0,
    -1,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    4_294_967_295,
    4_294_967_296,
    9_007_199_254_740_991,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
    -24,
    -25,
];
const FLOATS: [f64; 12] = [
    0.5,
    -2.25,
    123.0,
    0.1,
    1e-7,
    1.5e-6,
    1e20,
    1e21,
    1.7976931348623157e308,
    5e-324,
    35.658581,
    -139.745433,
];

/// Levels of the deepest record that is not dropped for its depth.
const MAX_LEVELS: i32 = 120;

/// The fields besides `$type` and `createdAt`. Each collection has its own few, with random values.
pub(super) fn fields(rng: &mut ChaCha8Rng, rank: usize) -> Vec<(&'static str, Value)> {
    // Keys are unique, and different from those that all records have.
    const NAMES: [&str; 14] = [
        "title",
        "id",
        "artistName",
        "ratio",
        "payload",
        "ref",
        "state",
        "items",
        "näme",
        "a<b>&c",
        "",
        "B",
        "aa",
        "subject",
    ];
    let mut fields = vec![("note", Value::Text(text::phrase(rng, 5)))];
    for (index, name) in NAMES.into_iter().enumerate() {
        if (rank.wrapping_mul(31) >> (index % 7)).is_multiple_of(3) {
            fields.push((name, value(rng, 0)));
        }
    }
    if rng.random_bool(0.02) {
        fields.push(("deep", deep(rng)));
    }
    fields
}

fn value(rng: &mut ChaCha8Rng, depth: usize) -> Value {
    let kinds = if depth < 4 { 14 } else { 11 };
    match rng.random_range(0..kinds) {
        0..3 => {
            let words = rng.random_range(1..10);
            Value::Text(text::post(rng, words, "did:web:someone.example.com").text)
        }
        3 | 4 => Value::Int(INTEGERS[rng.random_range(0..INTEGERS.len())]),
        5 => Value::Int(rng.random_range(-1_000_000..1_000_000_000)),
        6 => Value::Float(FLOATS[rng.random_range(0..FLOATS.len())]),
        7 => {
            let mut bytes = vec![0; rng.random_range(0..48)];
            rng.fill_bytes(&mut bytes);
            Value::Bytes(bytes)
        }
        8 => Value::Link(unseen_cid(rng)),
        9 => Value::Bool(rng.random_bool(0.5)),
        10 => Value::Null,
        11 => {
            let length = rng.random_range(0..6);
            Value::List((0..length).map(|_| value(rng, depth + 1)).collect())
        }
        _ => {
            let length = rng.random_range(0..5);
            let entry = |index| (format!("key{}", index * index * 7), value(rng, depth + 1));
            Value::Map((0..length).map(entry).collect())
        }
    }
}

/// Nested lists and maps, down to the maximum depth: the record itself is a level, and so is the innermost value.
fn deep(rng: &mut ChaCha8Rng) -> Value {
    let levels = rng.random_range(10..=MAX_LEVELS - 2);
    (0..levels).fold(Value::text("ground"), |below, level| {
        if level % 2 == 0 {
            Value::List(vec![below])
        } else {
            Value::map([("d", below)])
        }
    })
}
