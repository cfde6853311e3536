//! The runnable code blocks of a Markdown text.

/// A part of the text under one second-level heading, with runnable blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// One block, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) language: Language,
    pub(super) text: String,
}

/// Runnable languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Shell,
    Python,
}

impl Block {
    /// The units that run separately: the lines of a shell block, or a whole program.
    pub(super) fn commands(&self) -> Vec<String> {
        if self.language == Language::Python {
            return vec![self.text.clone()];
        }
        let joined = self.text.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter(|line| !needs_a_cluster(line))
            .map(str::to_owned)
            .collect()
    }
}

/// Commands that a reader's machine may not have. `cargo xtask chart` renders the pages' Helm commands.
fn needs_a_cluster(line: &str) -> bool {
    ["docker ", "helm ", "kubectl "]
        .iter()
        .any(|program| line.starts_with(program))
}

/// Sections without a runnable block are skipped.
pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut section = Section {
        title: String::new(),
        blocks: Vec::new(),
    };
    let mut block: Option<Fence> = None;
    for line in text.lines() {
        match (&mut block, line.trim_end().strip_prefix("```")) {
            (Some(fence), None) => fence.text.extend([line, "\n"]),
            (Some(_), Some(_)) => section.blocks.extend(block.take().and_then(Fence::close)),
            (None, Some(language)) => {
                block = Some(Fence {
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    sections.push(std::mem::replace(
                        &mut section,
                        Section {
                            title: title.to_owned(),
                            blocks: Vec::new(),
                        },
                    ));
                }
            }
        }
    }
    sections.push(section);
    sections.retain(|section| !section.blocks.is_empty());
    sections
}

/// An open block, in any language.
struct Fence {
    language: String,
    text: String,
}

impl Fence {
    fn close(self) -> Option<Block> {
        let language = match self.language.as_str() {
            "sh" | "bash" | "shell" | "console" => Language::Shell,
            "python" => Language::Python,
            _ => return None,
        };
        Some(Block {
            language,
            text: self.text,
        })
    }
}
