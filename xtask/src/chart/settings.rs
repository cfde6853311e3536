//! Lets the program check the settings that the chart renders for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::folders::output;
use super::render::Rendered;
use fanjet_tools::programs::{Profile, build, executable};

/// Files in rendered ConfigMaps, and the roles that read them.
const READERS: [(&str, &str); 5] = [
    ("ingest.toml", "ingest"),
    ("labels.toml", "labels"),
    ("edge.toml", "edge"),
    ("kafka.toml", "kafka"),
    ("prepare.toml", "prepare"),
];

/// Those with a password in the environment.
const USERS: [&str; 10] = [
    "ADMIN", "INGEST", "LABELS", "EDGE", "KAFKA", "READER", "OPERATOR", "SYSTEM", "ROUTE", "LEAF",
];
/// Where the pods of NATS have their certificate.
const CERTIFICATES: &str = "/etc/nats-tls";

/// The configuration of NATS in its ConfigMap.
const NATS_FILES: [&str; 2] = ["nats.conf", "accounts.conf"];

pub(super) fn check(rendered: &[Rendered]) -> Result<()> {
    build(Profile::Dev)?;
    let mut count = 0;
    for Rendered { shape, manifests } in rendered {
        for (name, role) in READERS {
            let texts = manifests.iter().filter_map(|manifest| text(manifest, name));
            for text in texts {
                let file = output().join(format!("{shape}-{name}"));
                fs::write(&file, text)?;
                let answer = Command::new(executable(Profile::Dev, "fanjet"))
                    .env_clear()
                    .arg(role)
                    .arg("--print-config")
                    .arg("--config")
                    .arg(&file)
                    .output()
                    .with_context(|| format!("failed to run fanjet {role}"))?;
                ensure!(
                    answer.status.success(),
                    "{shape}: {role} rejects its settings: {}",
                    String::from_utf8_lossy(&answer.stderr)
                );
                count += 1;
            }
        }
    }
    ensure!(
        count >= rendered.len(),
        "only {count} settings were rendered"
    );
    println!("chart: roles accept {count} rendered settings");
    check_nats(rendered)
}

/// NATS accepts its configuration, in every shape that has servers.
fn check_nats(rendered: &[Rendered]) -> Result<()> {
    let server = fanjet_tools::nats_server()?;
    let mut count = 0;
    for Rendered { shape, manifests } in rendered {
        let texts = manifests.iter().filter_map(|manifest| {
            let texts = NATS_FILES.map(|name| text(manifest, name));
            texts.into_iter().collect::<Option<Vec<_>>>()
        });
        for texts in texts {
            let folder = output().join(format!("{shape}-nats"));
            fs::create_dir_all(&folder)?;
            for (name, text) in NATS_FILES.iter().zip(texts) {
                let text = text.replace(CERTIFICATES, &folder.to_string_lossy());
                fs::write(folder.join(name), text)?;
            }
            certificate(&folder)?;
            let mut test = Command::new(&server);
            test.env("POD_NAME", "nats-0");
            for user in USERS {
                test.env(format!("NATS_{user}_PASSWORD"), "p1e5");
            }
            test.env("NATS_LEAF_REMOTE", "\"nats-leaf://leaf:p1e5@east:7422\"");
            for number in 0..5 {
                let route = format!("\"nats://route:p1e5@nats-{number}:6222\"");
                test.env(format!("NATS_ROUTE_{number}"), route);
            }
            test.args(["-t", "-c"]).arg(folder.join(NATS_FILES[0]));
            let answer = test.output()?;
            ensure!(
                answer.status.success(),
                "{shape}: nats-server rejects its configuration: {}",
                String::from_utf8_lossy(&answer.stderr)
            );
            count += 1;
        }
    }
    ensure!(count > 0, "no shape has NATS servers");
    println!("chart: nats-server accepts {count} configurations");
    Ok(())
}

/// Makes the files that a Secret has: the server reads them before it accepts its configuration.
fn certificate(folder: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
    ]);
    openssl.args(["-subj", "/CN=nats", "-keyout"]);
    openssl.arg(folder.join("tls.key"));
    openssl.arg("-out").arg(folder.join("tls.crt"));
    let answer = openssl.output().context("failed to run openssl")?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "openssl: {said}");
    fs::copy(folder.join("tls.crt"), folder.join("ca.crt"))?;
    Ok(())
}

/// A block of text in a ConfigMap.
fn text(manifest: &str, key: &str) -> Option<String> {
    let begin = format!("  {key}: |");
    let mut lines = manifest.lines().skip_while(|line| *line != begin);
    lines.next()?;
    let block = lines.take_while(|line| line.starts_with("    ") || line.is_empty());
    Some(
        block
            .map(|line| format!("{}\n", line.get(4..).unwrap_or_default()))
            .collect(),
    )
}
