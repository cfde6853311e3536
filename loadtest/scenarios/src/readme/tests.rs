use super::*;

const TEXT: &str = "# Title

```sh
first   # in front of all sections
```

## Nothing to run

```text
a picture
## no heading
```

## Some

```sh
cargo build --release -p fanjet
target/release/fanjet serve        # until ctrl-c

# only a comment
one \\
  two
```

words

```python
import sys

print(sys)
```
";

#[test]
fn blocks_are_found_by_their_sections_as_they_are_written() {
    let found = sections(TEXT);
    let titles: Vec<_> = found.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(titles, ["", "Some"]);
    assert_eq!(
        found[0].blocks[0].commands(),
        ["first   # in front of all sections"]
    );
    let blocks = &found[1].blocks;
    assert_eq!(
        blocks[0].commands(),
        [
            "cargo build --release -p fanjet",
            "target/release/fanjet serve        # until ctrl-c",
            "one    two",
        ]
    );
    assert_eq!(blocks[1].commands(), ["import sys\n\nprint(sys)\n"]);
}

#[test]
fn the_program_says_when_a_line_works() {
    for (line, proof) in [
        ("cargo build --release", Proof::Ends),
        ("cargo run -p fanjet -- demo   # no network", Proof::Streams),
        ("target/release/fanjet serve   # demo", Proof::SERVES),
        (
            "target/release/fanjet tail --collection 'a.b.*'",
            Proof::Streams,
        ),
        ("fanjet tail wss://x --zstd | jq .commit", Proof::Streams),
        ("nats-server -c x.conf &", Proof::Says("Server is ready")),
        ("target/release/fanjet edge", Proof::SERVES),
        ("target/release/fanjet ingest &", Proof::Says("ops http://")),
        ("curl -N 'http://localhost:6008/events'", Proof::Streams),
        ("somebody --else", Proof::Ends),
    ] {
        assert_eq!(Proof::of(line), proof, "{line}");
    }
}

/// The README's current blocks; a block in an unknown language would not run.
#[test]
fn the_readme_has_blocks_to_run() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let fences = text.matches("\n```").count() / 2;
    let pictures = text.matches("\n```text").count() + text.matches("\n```mermaid").count();
    let blocks: usize = sections(&text)
        .iter()
        .map(|section| section.blocks.len())
        .sum();
    assert_eq!(blocks, fences - pictures);
}
