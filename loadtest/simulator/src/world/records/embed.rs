//! Embeds of posts: images, links, other posts.

use rand::RngExt;

use super::Author;
use crate::world::text;
use crate::world::value::Value;

pub(super) fn any(author: &mut Author<'_>) -> Value {
    match author.rng.random_range(0..10) {
        0..4 => images(author),
        4..7 => external(author),
        7..9 => {
            let post = author.post_ref();
            record(post)
        }
        _ => {
            let media = images(author);
            let post = author.post_ref();
            Value::map([
                ("$type", Value::text("app.bsky.embed.recordWithMedia")),
                ("media", media),
                ("record", record(post)),
            ])
        }
    }
}

pub(super) fn external(author: &mut Author<'_>) -> Value {
    let page: u32 = author.rng.random();
    let mut external = vec![
        (
            "uri".to_owned(),
            Value::text(format!("https://example.org/watch?v={page:x}&t=1")),
        ),
        ("title".to_owned(), Value::Text(text::phrase(author.rng, 6))),
        (
            "description".to_owned(),
            Value::Text(text::phrase(author.rng, 14)),
        ),
    ];
    if author.rng.random_bool(0.7) {
        external.push(("thumb".to_owned(), author.blob("image/jpeg")));
    }
    Value::map([
        ("$type", Value::text("app.bsky.embed.external")),
        ("external", Value::Map(external)),
    ])
}

fn images(author: &mut Author<'_>) -> Value {
    let count = author.rng.random_range(1..=4);
    let images = (0..count)
        .map(|_| {
            let side = author.rng.random_range(200..4000);
            Value::map([
                ("alt", Value::Text(text::phrase(author.rng, 4))),
                ("image", author.blob("image/jpeg")),
                (
                    "aspectRatio",
                    Value::map([("height", Value::Int(side)), ("width", Value::Int(2000))]),
                ),
            ])
        })
        .collect();
    Value::map([
        ("$type", Value::text("app.bsky.embed.images")),
        ("images", Value::List(images)),
    ])
}

fn record(post: Value) -> Value {
    Value::map([
        ("$type", Value::text("app.bsky.embed.record")),
        ("record", post),
    ])
}
