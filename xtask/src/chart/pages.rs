//! The `helm install` commands of pages, rendered as they are written: no cluster is needed to see that they are right.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::tools::Tools;
use fanjet_tools::shell::root;

const PAGES: [&str; 2] = ["README.md", "docs/operate/kubernetes.md"];
/// Flags of `helm install` that `helm template` does not need, and whether a value follows.
const ABOUT_A_CLUSTER: [(&str, bool); 3] = [
    ("--create-namespace", false),
    ("--wait", false),
    ("--timeout", true),
];

/// Renders each command, and looks for the Services that the page connects to.
///
/// # Errors
/// With Helm's message, or the name of a Service that does not exist.
pub(super) fn check(tools: &Tools, kubernetes: &str) -> Result<()> {
    for page in PAGES {
        let text =
            fs::read_to_string(root().join(page)).with_context(|| format!("cannot read {page}"))?;
        let commands = installs(&text);
        ensure!(!commands.is_empty(), "{page} has no helm install");
        for arguments in commands {
            let mut template = Command::new(&tools.helm);
            template
                .current_dir(root())
                .args(["template", "--kube-version", kubernetes])
                .args(&arguments);
            let output = template.output().context("failed to run helm")?;
            ensure!(
                output.status.success(),
                "{page}: helm install {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
            let manifests = String::from_utf8(output.stdout)?;
            for service in services(&text) {
                let exists = manifests.split("\n---\n").any(|manifest| {
                    let has = |wanted: &str| manifest.lines().any(|line| line == wanted);
                    has("kind: Service") && has(&format!("  name: {service}"))
                });
                ensure!(exists, "{page}: the chart has no Service {service}");
            }
        }
    }
    println!("chart: the helm commands of {} pages render", PAGES.len());
    Ok(())
}

/// The arguments of each `helm install`.
fn installs(page: &str) -> Vec<Vec<String>> {
    let joined = page.replace("\\\n", " ");
    let commands = joined
        .lines()
        .filter_map(|line| line.strip_prefix("helm install "));
    commands
        .map(|command| {
            let mut arguments = Vec::new();
            let mut words = command.split_whitespace();
            while let Some(word) = words.next() {
                match ABOUT_A_CLUSTER.iter().find(|(flag, _)| *flag == word) {
                    Some((_, true)) => drop(words.next()),
                    Some((_, false)) => {}
                    None => arguments.push(word.to_owned()),
                }
            }
            arguments
        })
        .collect()
}

/// The names behind `service/`.
fn services(page: &str) -> impl Iterator<Item = &str> {
    let words = page.split_whitespace();
    words.filter_map(|word| word.strip_prefix("service/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_without_what_needs_a_cluster() {
        let page = "```sh\nhelm install relay helm/fanjet --wait --timeout 10m \\\n  --set a=b\nkubectl port-forward service/relay-fanjet 6008\n```\n";
        assert_eq!(installs(page), [["relay", "helm/fanjet", "--set", "a=b"]]);
        assert_eq!(services(page).collect::<Vec<_>>(), ["relay-fanjet"]);
    }
}
