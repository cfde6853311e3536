//! The tokens of a file with their lines, without comments and test code.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// The tokens that paths consist of, and the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or a keyword.
    Word(String),
    /// `::`
    Path,
    /// Any other punctuation.
    Sign(char),
    /// A literal or a lifetime.
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// The tokens of shipped code.
pub(super) fn shipped(text: &str) -> Vec<Token> {
    without_tests(&all(text))
}

fn all(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let mut colon_ends = None;
    for lexed in tokenize(text, FrontmatterAllowed::No) {
        let end = at + lexed.len as usize;
        let part = &text[at..end];
        let kind = match lexed.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment { .. }
            | TokenKind::BlockComment { .. } => None,
            TokenKind::Ident => Some(Kind::Word(part.to_owned())),
            TokenKind::RawIdent => Some(Kind::Word(part.trim_start_matches("r#").to_owned())),
            TokenKind::Colon if colon_ends == Some(at) => {
                tokens.pop();
                Some(Kind::Path)
            }
            TokenKind::Colon => {
                colon_ends = Some(end);
                Some(Kind::Sign(':'))
            }
            _ => Some(match part.chars().next() {
                Some(sign) if part.len() == sign.len_utf8() && sign.is_ascii_punctuation() => {
                    Kind::Sign(sign)
                }
                _ => Kind::Other,
            }),
        };
        tokens.extend(kind.map(|kind| Token { kind, line }));
        line += part.matches('\n').count();
        at = end;
    }
    tokens
}

/// Removes every item behind `#[cfg(test)]` or `#[test]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut shipped = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            shipped.push(tokens[at].clone());
            at += 1;
            continue;
        };
        if is_for_tests(&tokens[at..end]) {
            at = item_end(tokens, end);
        } else {
            shipped.extend_from_slice(&tokens[at..end]);
            at = end;
        }
    }
    shipped
}

/// The end of the outer attribute that starts here.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let begins = tokens[at].is('#') && tokens.get(at + 1)?.is('[');
    begins.then(|| group_end(tokens, at + 1))
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<_> = attribute.iter().filter_map(Token::word).collect();
    match words.as_slice() {
        ["test"] | ["tokio", "test"] => true,
        ["cfg", conditions @ ..] => conditions.contains(&"test") && !conditions.contains(&"not"),
        _ => false,
    }
}

/// Behind the bracket that closes the one here.
pub(super) fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => depth += 1,
            Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Behind an item, a statement, a field or a variant, with the attributes before it.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while let Some(end) = (at < tokens.len())
        .then(|| attribute_end(tokens, at))
        .flatten()
    {
        at = end;
    }
    let keyword = keyword(&tokens[at..]);
    while at < tokens.len() {
        match tokens[at].kind {
            Kind::Sign('{') => {
                at = group_end(tokens, at);
                if keyword == Keyword::EndsWithBlock {
                    return at;
                }
            }
            Kind::Sign('(' | '[') => at = group_end(tokens, at),
            Kind::Sign(';') => return at + 1,
            Kind::Sign(',') if keyword == Keyword::None => return at + 1,
            // The last field of its struct, or the last statement of its block.
            Kind::Sign('}' | ')' | ']') => return at,
            _ => at += 1,
        }
    }
    at
}

/// How an item ends, by its keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    EndsWithBlock,
    EndsWithSemicolon,
    /// A field, a variant or an argument.
    None,
}

fn keyword(item: &[Token]) -> Keyword {
    let mut at = 0;
    while let Some(word) = item.get(at).and_then(Token::word) {
        let begins_function = || {
            item.get(at + 1)
                .and_then(Token::word)
                .is_some_and(|next| matches!(next, "fn" | "async" | "unsafe" | "extern"))
        };
        match word {
            "pub" if item.get(at + 1).is_some_and(|next| next.is('(')) => {
                at = group_end(item, at + 1);
            }
            "pub" | "async" | "unsafe" => at += 1,
            "const" if begins_function() => at += 1,
            "fn" | "impl" | "struct" | "enum" | "mod" | "trait" | "macro_rules" => {
                return Keyword::EndsWithBlock;
            }
            "use" | "const" | "static" | "type" | "let" => return Keyword::EndsWithSemicolon,
            _ => return Keyword::None,
        }
    }
    Keyword::None
}
