//! Finds the words and names of the style page in a text.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

use super::page::Rules;

/// Behind one of these keywords something gets its name.
const DEFINING: &[&str] = &[
    "struct", "enum", "trait", "type", "union", "fn", "mod", "as",
];

/// One word in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) line: usize,
    pub(super) word: String,
    pub(super) instead: String,
}

/// Everything in a text, in the order of its lines.
pub(super) fn all(rules: &Rules, text: &str, is_rust: bool) -> Vec<Finding> {
    let mut findings = words(rules, text);
    if is_rust {
        findings.extend(names(rules, text));
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// A word in lower case. Identifiers are split at `_` and at capital letters.
struct Word {
    text: String,
    line: usize,
    /// Whether only blanks, line breaks and comment signs separate it from the word before.
    is_joined: bool,
}

fn words(rules: &Rules, text: &str) -> Vec<Finding> {
    let words = split(text);
    let mut findings = Vec::new();
    for (at, first) in words.iter().enumerate() {
        for (phrase, instead) in &rules.words {
            let Some(candidate) = words.get(at..at + phrase.len()) else {
                continue;
            };
            let is_match = candidate
                .iter()
                .zip(phrase)
                .all(|(word, wanted)| word.text == *wanted);
            if is_match && candidate.iter().skip(1).all(|word| word.is_joined) {
                findings.push(Finding {
                    line: first.line,
                    word: phrase.join(" "),
                    instead: instead.clone(),
                });
            }
        }
    }
    findings
}

fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut line = 1;
    let mut is_joined = false;
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_ascii_alphanumeric() {
            let is_next_lower = characters.peek().is_some_and(char::is_ascii_lowercase);
            let is_hump =
                character.is_ascii_uppercase() && (!before.is_ascii_uppercase() || is_next_lower);
            match words.last_mut() {
                Some(word) if before.is_ascii_alphanumeric() && !is_hump => {
                    word.text.push(character.to_ascii_lowercase());
                }
                _ => words.push(Word {
                    text: character.to_ascii_lowercase().to_string(),
                    line,
                    is_joined,
                }),
            }
            is_joined = true;
        } else {
            is_joined &= character.is_whitespace() || "_-/!\\#*>".contains(character);
            line += usize::from(character == '\n');
        }
        before = character;
    }
    words
}

fn names(rules: &Rules, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let mut is_defining = false;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let end = at + token.len as usize;
        let part = &text[at..end];
        if token.kind == TokenKind::Ident {
            if is_defining && let Some(instead) = rules.names.get(part) {
                findings.push(Finding {
                    line,
                    word: part.to_owned(),
                    instead: instead.clone(),
                });
            }
            is_defining = DEFINING.contains(&part);
        } else if token.kind != TokenKind::Whitespace {
            is_defining = false;
        }
        line += part.matches('\n').count();
        at = end;
    }
    findings
}
