//! A crate's modules: the file of each, its declarations, and the paths in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::tokens::{Kind, Token, group_end, shipped};

/// The crate's root is the first.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

#[derive(Debug, Default)]
pub(super) struct Module {
    /// `crate::tail::ring`
    pub(super) name: String,
    pub(super) parent: Option<usize>,
    /// Relative to the workspace.
    pub(super) file: String,
    /// In the order of their `mod` lines.
    pub(super) children: Vec<Child>,
    /// Names that `use` lines bring in.
    pub(super) uses: Vec<Use>,
    /// Paths in the code itself.
    pub(super) mentions: Vec<Mention>,
    /// Names of the items that it defines.
    pub(super) items: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) module: usize,
}

/// One leaf of a `use` line. The name `*` imports all names of the path.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) path: Vec<String>,
    pub(super) name: String,
    pub(super) is_public: bool,
    pub(super) line: usize,
}

#[derive(Debug)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

impl Tree {
    /// Reads the crate with this root file.
    pub(super) fn read(file: &Path, base: &Path) -> Result<Self> {
        let mut tree = Self {
            modules: Vec::new(),
        };
        let children_in = file.parent().unwrap_or(base).to_owned();
        tree.file(file, &children_in, base, "crate".to_owned(), None)?;
        Ok(tree)
    }

    pub(super) fn child(&self, module: usize, name: &str) -> Option<usize> {
        let children = &self.modules[module].children;
        let found = children.iter().find(|child| child.name == name);
        found.map(|child| child.module)
    }

    /// The module and its ancestors, the crate's root last.
    pub(super) fn with_ancestors(&self, module: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(module), |module| self.modules[*module].parent)
    }

    fn file(
        &mut self,
        file: &Path,
        children_in: &Path,
        base: &Path,
        name: String,
        parent: Option<usize>,
    ) -> Result<usize> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let shown = file.strip_prefix(base).unwrap_or(file);
        let module = Module {
            name,
            parent,
            file: shown.display().to_string(),
            ..Module::default()
        };
        self.module(module, &shipped(&text), children_in, base)
    }

    fn module(
        &mut self,
        module: Module,
        tokens: &[Token],
        children_in: &Path,
        base: &Path,
    ) -> Result<usize> {
        let this = self.modules.len();
        let (own_name, own_file) = (module.name.clone(), module.file.clone());
        self.modules.push(module);
        let mut at = 0;
        while at < tokens.len() {
            let token = &tokens[at];
            let declares = token.word() == Some("mod") && !follows_path(tokens, at);
            let declared = declares
                .then(|| tokens.get(at + 1).and_then(Token::word))
                .flatten();
            if let Some(child) = declared {
                let name = format!("{own_name}::{child}");
                let folder = children_in.join(child);
                let module = if tokens.get(at + 2).is_some_and(|next| next.is('{')) {
                    let end = group_end(tokens, at + 2);
                    let inline = Module {
                        name,
                        parent: Some(this),
                        file: own_file.clone(),
                        ..Module::default()
                    };
                    let body = &tokens[at + 3..end - 1];
                    at = end;
                    self.module(inline, body, &folder, base)?
                } else {
                    at += 3;
                    let file = file_of(children_in, child)
                        .with_context(|| format!("{own_file}:{}", token.line))?;
                    self.file(&file, &folder, base, name, Some(this))?
                };
                let name = child.to_owned();
                self.modules[this].children.push(Child { name, module });
            } else if token.word() == Some("use") && !follows_path(tokens, at) {
                let is_public = is_public(&tokens[..at]);
                let module = &mut self.modules[this];
                at = use_tree(tokens, at + 1, Vec::new(), is_public, &mut module.uses);
            } else {
                at = self.modules[this].take(tokens, at);
            }
        }
        Ok(this)
    }
}

impl Module {
    /// Takes a path or a name of an item, or skips one token.
    fn take(&mut self, tokens: &[Token], at: usize) -> usize {
        let Some(word) = tokens[at].word() else {
            return at + 1;
        };
        let next = tokens.get(at + 1).and_then(Token::word);
        match word {
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static" => {
                self.items.extend(next.map(str::to_owned));
                return at + 1;
            }
            "macro_rules" => {
                let name = tokens.get(at + 2).and_then(Token::word);
                self.items.extend(name.map(str::to_owned));
                return at + 1;
            }
            _ => {}
        }
        let (path, end) = path(tokens, at);
        if path.len() > 1 && !follows_path(tokens, at) {
            let line = tokens[at].line;
            self.mentions.push(Mention { path, line });
        }
        end
    }
}

/// Whether the word here is the rest of a path that does not start with a name: `::std`, `<T>::new`.
fn follows_path(tokens: &[Token], at: usize) -> bool {
    at > 0 && (tokens[at - 1].kind == Kind::Path || tokens[at - 1].is('.'))
}

/// The names with `::` between them, and their end.
fn path(tokens: &[Token], at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut end = at;
    while let Some(word) = tokens.get(end).and_then(Token::word) {
        path.push(word.to_owned());
        end += 1;
        let continues = tokens
            .get(end)
            .is_some_and(|token| token.kind == Kind::Path)
            && tokens.get(end + 1).and_then(Token::word).is_some();
        if !continues {
            break;
        }
        end += 1;
    }
    (path, end)
}

fn is_public(before: &[Token]) -> bool {
    let mut words = before.iter().rev();
    match words.next() {
        Some(token) if token.is(')') => {
            let before = words.skip_while(|token| !token.is('(')).nth(1);
            before.and_then(Token::word) == Some("pub")
        }
        token => token.and_then(Token::word) == Some("pub"),
    }
}

/// Reads one tree of a `use` line and returns its end. A path that starts with `::` is foreign.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    mut prefix: Vec<String>,
    is_public: bool,
    uses: &mut Vec<Use>,
) -> usize {
    while let Some(token) = tokens.get(at) {
        let line = token.line;
        match &token.kind {
            Kind::Path if prefix.is_empty() => {
                prefix.push(String::new());
                at += 1;
            }
            Kind::Path => at += 1,
            Kind::Word(word) if word == "as" => {
                if let (Some(leaf), Some(name)) =
                    (uses.last_mut(), tokens.get(at + 1).and_then(Token::word))
                {
                    leaf.name = name.to_owned();
                }
                at += 2;
            }
            Kind::Word(word) => {
                if word != "self" || prefix.is_empty() {
                    prefix.push(word.clone());
                }
                at += 1;
                let is_leaf = tokens.get(at).is_none_or(|next| next.kind != Kind::Path);
                if is_leaf {
                    uses.push(Use {
                        name: prefix.last().cloned().unwrap_or_default(),
                        path: prefix.clone(),
                        is_public,
                        line,
                    });
                }
            }
            Kind::Sign('*') => {
                uses.push(Use {
                    name: "*".to_owned(),
                    path: prefix.clone(),
                    is_public,
                    line,
                });
                at += 1;
            }
            Kind::Sign('{') => {
                let end = group_end(tokens, at);
                at += 1;
                while at < end - 1 {
                    at = use_tree(tokens, at, prefix.clone(), is_public, uses);
                }
                return end;
            }
            Kind::Sign(',' | ';') => return at + 1,
            _ => return at,
        }
    }
    at
}

fn file_of(folder: &Path, module: &str) -> Result<PathBuf> {
    let file = folder.join(format!("{module}.rs"));
    let nested = folder.join(module).join("mod.rs");
    match (file.exists(), nested.exists()) {
        (true, _) => Ok(file),
        (false, true) => Ok(nested),
        (false, false) => bail!("no file for `mod {module}`: {}", file.display()),
    }
}
