//! Checks that `deploy/compose.yaml` matches the chart: each role accepts its settings.

use std::fs;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use saphyr::{LoadableYamlNode, Scalar, Yaml};

use super::folders::output;
use fanjet_tools::programs::{Profile, executable};
use fanjet_tools::shell::root;

const FILE: &str = "deploy/compose.yaml";
const SCRAPES: &str = "deploy/compose/prometheus.yml";

/// The NATS service, and the files that its configuration includes.
const NATS: (&str, [&str; 2]) = (
    "nats",
    ["deploy/compose/nats.conf", "deploy/nats/accounts.conf"],
);

/// The roles that have settings, as the image accepts them.
const ROLES: [&str; 6] = ["ingest", "labels", "edge", "kafka", "serve", "prepare"];

/// A service that runs one of our roles.
struct Service {
    name: String,
    /// The role, and its arguments.
    command: Vec<String>,
    env: Vec<(String, String)>,
}

impl Service {
    /// Runs the role's own settings check.
    fn print_config(&self, more: &[(&str, &str)]) -> Result<Output> {
        Command::new(executable(Profile::Dev, "fanjet"))
            .env_clear()
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .envs(more.iter().copied())
            .args(&self.command)
            .arg("--print-config")
            .output()
            .with_context(|| format!("failed to run fanjet {}", self.command.join(" ")))
    }
}

/// The program must be built.
pub(super) fn check() -> Result<()> {
    let text = fs::read_to_string(root().join(FILE))?;
    let documents = Yaml::load_from_str(&text).with_context(|| format!("{FILE} is not YAML"))?;
    let document = documents.first().context("an empty file")?;
    let services = field(document, "services").with_context(|| format!("{FILE}: no services"))?;
    let ours = ours(services)?;
    for service in &ours {
        let name = &service.name;
        let answer = service.print_config(&[])?;
        let said = String::from_utf8_lossy(&answer.stderr);
        ensure!(answer.status.success(), "{FILE}: {name}: {said}");
        // A check that accepts everything checks nothing. Every role has this section; unknown sections may belong to
        // another role.
        // another role's.
        for unknown in ["FANJET_TELEMETRY__LOGS", "ATKAFKA_TOPIC"] {
            let is_at_kafkas = unknown.starts_with("ATKAFKA_");
            if is_at_kafkas && service.command[0] != "kafka" {
                continue;
            }
            let answer = service.print_config(&[(unknown, "x")])?;
            ensure!(!answer.status.success(), "{name} accepts {unknown}");
        }
    }
    ensure!(ours.len() >= 4, "{FILE} has only {} services", ours.len());
    check_nats(services)?;
    check_scrapes(&ours)?;
    check_trusted(services, &ours)?;
    println!(
        "compose: {} services and NATS accept their settings",
        ours.len()
    );
    Ok(())
}

/// The services that run our roles with settings in their environment.
fn ours(services: &Yaml<'_>) -> Result<Vec<Service>> {
    let mut ours = Vec::new();
    let all = services.as_mapping().context("services are a mapping")?;
    for (name, service) in all {
        let name = name.as_str().context("a service has a name")?;
        let words = field(service, "command").and_then(Yaml::as_sequence);
        let command = words.map(|words| words.iter().filter_map(scalar).collect::<Vec<_>>());
        let Some(command) = command.filter(|_| field(service, "environment").is_some()) else {
            continue;
        };
        let role = command.first().context("an empty command")?;
        if !ROLES.contains(&role.as_str()) {
            continue;
        }
        ours.push(Service {
            name: name.to_owned(),
            command,
            env: environment(service)?,
        });
    }
    Ok(ours)
}

fn environment(service: &Yaml<'_>) -> Result<Vec<(String, String)>> {
    let environment = field(service, "environment").and_then(Yaml::as_mapping);
    let entries = environment.context("the environment is not a mapping")?;
    let entries = entries.iter().map(|(key, value)| {
        let value = scalar(value).with_context(|| format!("{key:?} is not text"))?;
        Ok((
            key.as_str().context("a name")?.to_owned(),
            defaulted(&value),
        ))
    });
    entries.collect()
}

/// `${NAME:-default}` when NAME is not set.
fn defaulted(value: &str) -> String {
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    match inner.and_then(|inner| inner.split_once(":-")) {
        Some((_, default)) => default.to_owned(),
        None => value.to_owned(),
    }
}

/// NATS accepts its configuration, with the passwords that it is given.
fn check_nats(services: &Yaml<'_>) -> Result<()> {
    let (name, files) = NATS;
    let service = field(services, name).context("no NATS")?;
    let folder = output().join("compose-nats");
    fs::create_dir_all(&folder)?;
    for file in files {
        let original = root().join(file);
        let copy = folder.join(original.file_name().context("files have names")?);
        fs::copy(&original, copy)?;
    }
    let mut test = Command::new(fanjet_tools::nats_server()?);
    test.env_clear().envs(environment(service)?);
    test.args(["-t", "-c"]).arg(folder.join("nats.conf"));
    let answer = test.output()?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{FILE}: {name}: {said}");
    Ok(())
}

/// Prometheus scrapes every service with an open ops port, at that port, and no other.
fn check_scrapes(ours: &[Service]) -> Result<()> {
    let scrapes = fs::read_to_string(root().join(SCRAPES))?;
    let scraped: Vec<_> = scrapes
        .lines()
        .filter(|line| line.contains("dns_sd_configs"))
        .collect();
    let mut listening = 0;
    for service in ours {
        let listen = service
            .env
            .iter()
            .find(|(key, _)| key == "FANJET_OPS__LISTEN");
        let Some((_, address)) = listen else {
            continue;
        };
        listening += 1;
        let port = address.rsplit(':').next().unwrap_or_default();
        let wanted = format!("names: [{}], type: A, port: {port},", service.name);
        ensure!(
            scraped.iter().any(|line| line.contains(&wanted)),
            "{SCRAPES} does not scrape {}:{port}",
            service.name
        );
    }
    ensure!(
        listening == scraped.len(),
        "{SCRAPES} scrapes a target that does not exist"
    );
    Ok(())
}

/// Edges trust the forwarded addresses of HAProxy only.
fn check_trusted(services: &Yaml<'_>, ours: &[Service]) -> Result<()> {
    let address = ["haproxy", "networks", "default", "ipv4_address"]
        .iter()
        .try_fold(services, |yaml, name| field(yaml, name))
        .and_then(scalar);
    let only = address.context("HAProxy has no fixed address")? + "/32";
    let trusted = ours.iter().flat_map(|service| &service.env);
    let mut trusted = trusted.filter(|(key, _)| key == "FANJET_EDGE__HTTP__TRUSTED_PROXIES");
    ensure!(
        trusted.all(|(_, networks)| *networks == only),
        "{FILE}: trusts more than HAProxy ({only})"
    );
    Ok(())
}

fn field<'a>(yaml: &'a Yaml<'a>, name: &str) -> Option<&'a Yaml<'a>> {
    yaml.as_mapping_get(name)
}

/// A string, number or boolean as Compose writes it into an environment.
fn scalar(yaml: &Yaml<'_>) -> Option<String> {
    match yaml {
        Yaml::Value(Scalar::String(text)) => Some(text.to_string()),
        Yaml::Value(Scalar::Integer(number)) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_replace_unset_variables() {
        for (value, is) in [
            ("${A:-b}", "b"),
            ("${A:-}", ""),
            ("${A:-wss://x:1}", "wss://x:1"),
            ("plain", "plain"),
            ("${A}", "${A}"),
        ] {
            assert_eq!(defaulted(value), is);
        }
    }
}
