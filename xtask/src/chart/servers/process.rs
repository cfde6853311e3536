//! One server with the chart's configuration, on this machine's loopback.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::settings::{Settings, Variable};

/// Starting takes a second, electing a leader a few.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key of the password among servers.
const ROUTE: &str = "route-password";

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) clients: u16,
    pub(super) routes: u16,
    pub(super) monitor: u16,
}

/// What all passwords of a server begin with, and its password among servers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passwords {
    pub(crate) users: &'static str,
    pub(crate) routes: &'static str,
}

impl Passwords {
    pub(crate) const fn all(secret: &'static str) -> Self {
        Self {
            users: secret,
            routes: secret,
        }
    }
}

/// A server that ends with its value.
pub(crate) struct Server {
    child: Child,
    clients: u16,
    monitor: u16,
    log: PathBuf,
}

impl Server {
    /// Starts one of several.
    pub(crate) fn start(
        settings: &Settings,
        folder: &Path,
        number: usize,
        all: &[Ports],
        passwords: Passwords,
    ) -> Result<Self> {
        let ports = all[number];
        let mut conf = settings.conf.clone();
        for (was, is) in [
            ("0.0.0.0:4222", format!("127.0.0.1:{}", ports.clients)),
            ("0.0.0.0:6222", format!("127.0.0.1:{}", ports.routes)),
            ("0.0.0.0:8222", format!("127.0.0.1:{}", ports.monitor)),
            (
                "/run/nats/nats.pid",
                folder.join("pid").display().to_string(),
            ),
            ("\"/data\"", format!("{:?}", folder.join("data"))),
        ] {
            conf = conf.replace(was, &is);
        }
        write(folder, "nats.conf", &conf)?;
        write(folder, "accounts.conf", &settings.accounts)?;
        let log = folder.join("log");
        let mut command = Command::new(fanjet_tools::nats_server()?);
        command.arg("-c").arg(folder.join("nats.conf"));
        command
            .env_clear()
            .env("POD_NAME", format!("server-{number}"));
        for (name, value) in &settings.env {
            command.env(name, environment(value, all, passwords));
        }
        let child = command.stderr(File::create(&log)?).spawn()?;
        let server = Self {
            child,
            clients: ports.clients,
            monitor: ports.monitor,
            log,
        };
        until("a server answers", || Ok(server.get("/varz").is_ok()))
            .with_context(|| server.log().unwrap_or_default())?;
        Ok(server)
    }

    /// What it answers to a request to its monitor.
    pub(super) fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.monitor))?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        Ok(body.to_owned())
    }

    /// Whether a client may connect as a user with one of the passwords that begin so.
    pub(super) fn admits(&self, user: &str, secret: &str) -> Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.clients))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let connect = serde_json::json!({
            "verbose": false, "user": user, "pass": format!("{secret}-{user}-password"),
        });
        write!(stream, "CONNECT {connect}\r\nPING\r\n")?;
        let lines = BufReader::new(stream).lines();
        for line in lines {
            match line?.as_str() {
                "PONG" => return Ok(true),
                line if line.starts_with("-ERR") => return Ok(false),
                _ => {}
            }
        }
        bail!("a server closed a connection without a word")
    }

    /// What it logged.
    pub(super) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A variable as Kubernetes sets it, but for the addresses of other servers.
fn environment(value: &Variable, all: &[Ports], passwords: Passwords) -> String {
    let Passwords { users, routes } = passwords;
    let value = match value {
        Variable::Secret(key) if key == ROUTE => return format!("{routes}-{key}"),
        Variable::Secret(key) => return format!("{users}-{key}"),
        Variable::Plain(value) => value,
    };
    let value = value.replace("$(NATS_ROUTE_PASSWORD)", &format!("{routes}-{ROUTE}"));
    let Some((credentials, host)) = value.split_once('@') else {
        return value;
    };
    let number = host
        .split('.')
        .next()
        .and_then(|host| host.rsplit('-').next());
    let number: usize = number.and_then(|it| it.parse().ok()).unwrap_or_default();
    format!("{credentials}@127.0.0.1:{}\"", all[number].routes)
}

pub(super) fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !is_so()? {
        ensure!(
            since.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

pub(crate) fn free_ports() -> Result<Ports> {
    // All are held until all are known, so that they differ.
    let [clients, routes, monitor] = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0"));
    let (clients, routes, monitor) = (clients?, routes?, monitor?);
    Ok(Ports {
        clients: clients.local_addr()?.port(),
        routes: routes.local_addr()?.port(),
        monitor: monitor.local_addr()?.port(),
    })
}

/// Writes files that a server reads.
fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(name), text)?)
}
