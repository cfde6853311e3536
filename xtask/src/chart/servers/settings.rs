//! What the chart renders for its NATS servers.

use anyhow::{Context, Result};
use saphyr::{LoadableYamlNode, Yaml};

/// What the chart renders for NATS.
pub(crate) struct Settings {
    pub(crate) conf: String,
    pub(crate) accounts: String,
    /// The environment: plain values as they are, and for others the key in the Secret.
    pub(crate) env: Vec<(String, Variable)>,
}

pub(crate) enum Variable {
    Plain(String),
    Secret(String),
}

impl Settings {
    /// # Errors
    /// When the chart renders no NATS.
    pub(crate) fn of(manifests: &[String]) -> Result<Self> {
        let with = |word: &str| {
            let mut found = manifests.iter().filter(|it| it.contains(word));
            found.next().with_context(|| format!("no {word}"))
        };
        let files = yaml(with("nats.conf: |")?)?;
        let data = field(&files, &["data"])?;
        let text = |name: &str| -> Result<String> {
            let text = field(data, &[name])?.as_str();
            Ok(text.context("a file is text")?.to_owned())
        };
        let servers = yaml(with("kind: StatefulSet\n")?)?;
        let pod = field(&servers, &["spec", "template", "spec", "containers"])?;
        let container = pod.as_sequence().and_then(|it| it.first());
        let variables = field(container.context("no container")?, &["env"])?.as_sequence();
        let mut env = Vec::new();
        for variable in variables.context("no variables")? {
            let name = field(variable, &["name"])?.as_str().context("a name")?;
            let from = ["valueFrom", "secretKeyRef", "key"];
            let value = match (field(variable, &["value"]), field(variable, &from)) {
                (Ok(value), _) => Variable::Plain(value.as_str().unwrap_or_default().to_owned()),
                (_, Ok(key)) => Variable::Secret(key.as_str().unwrap_or_default().to_owned()),
                // Set by Kubernetes.
                _ => continue,
            };
            env.push((name.to_owned(), value));
        }
        Ok(Self {
            conf: text("nats.conf")?,
            accounts: text("accounts.conf")?,
            env,
        })
    }
}

fn yaml(manifest: &str) -> Result<Yaml<'_>> {
    let mut documents = Yaml::load_from_str(manifest)?;
    documents.pop().context("an empty manifest")
}

fn field<'a>(yaml: &'a Yaml<'a>, path: &[&str]) -> Result<&'a Yaml<'a>> {
    let found = path
        .iter()
        .try_fold(yaml, |at, name| at.as_mapping_get(name));
    found.with_context(|| format!("no {}", path.join(".")))
}
