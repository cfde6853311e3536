//! A real Kafka broker in KRaft mode, on free ports of the loopback, with its own store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::nats_server::free_ports;
use crate::process::{Process, Program};
use crate::shared::Shared;

/// Startup takes seconds; a busy machine takes longer.
const START: Duration = Duration::from_secs(180);
const STOP: Duration = Duration::from_secs(60);
const CLUSTER: &str = "ZmFuamV0LXRlc3RraXQtMQ";

/// Access options.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    /// More lines for its properties.
    pub extra: String,
    /// Users with their passwords: clients must then log in, by PLAIN or SCRAM.
    pub users: Vec<(String, String)>,
    /// Whether clients connect over TLS, with a self-signed certificate ([`KafkaServer::certificate`]).
    pub tls: bool,
    /// Superusers; if there is one, all other users need permissions.
    pub super_users: Vec<String>,
}

/// A broker process. Dropping kills it and removes its store.
#[derive(Debug)]
pub struct KafkaServer {
    process: Option<Process>,
    port: u16,
    // After the process: the store is removed once the process has ended.
    folder: TempDir,
}

impl KafkaServer {
    /// Starts a broker and waits until it is ready.
    ///
    /// # Errors
    /// When no broker is available ([`fanjet_tools::kafka_jars`]), or it does not become ready; with its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(&KafkaOptions::default()).await
    }

    /// As [`KafkaServer::start`], with other options.
    ///
    /// # Errors
    /// As [`KafkaServer::start`].
    pub async fn start_with(options: &KafkaOptions) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a folder for the store")?;
        let ports = free_ports(3)?;
        let mut server = Self {
            process: None,
            port: ports[0],
            folder,
        };
        if options.tls {
            server.make_certificate().await?;
        }
        let properties = server.properties(options, (ports[1], ports[2]));
        std::fs::write(server.config(), properties)?;
        server.format(options).await?;
        server.restart().await?;
        Ok(server)
    }

    /// One broker for all tests of a binary that run at the same time: the last one that drops it stops it.
    ///
    /// # Errors
    /// As [`KafkaServer::start`].
    pub async fn shared() -> Result<Arc<Self>> {
        static SHARED: Shared<KafkaServer> = Shared::new();
        SHARED.get(Self::start).await
    }

    /// Where clients connect: `host:port`.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The certificate of a broker with TLS, as PEM.
    pub fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("broker.pem")
    }

    /// The process, unless it was stopped or killed.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Kills it (SIGKILL) and keeps ports and store.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Stops it gracefully (SIGTERM).
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop(STOP).await?;
        }
        Ok(())
    }

    /// Starts it again on the same ports and store, after stopping it if it runs.
    ///
    /// # Errors
    /// As [`KafkaServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        let process = java("kafka.Kafka").await?.arg(self.config()).start()?;
        process
            .wait_for_line(|line| line.ends_with("Kafka Server started"), START)
            .await?;
        self.process = Some(process);
        Ok(())
    }

    async fn format(&self, options: &KafkaOptions) -> Result<()> {
        let mut tool = java("kafka.tools.StorageTool")
            .await?
            .args(["format", "--cluster-id", CLUSTER, "--config"])
            .arg(self.config());
        for (name, password) in &options.users {
            for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                tool = tool.args([
                    "--add-scram".to_owned(),
                    format!("{mechanism}=[name={name},password={password}]"),
                ]);
            }
        }
        let tool = tool.start()?;
        let status = tool.wait(START).await?;
        ensure!(
            status.success(),
            "failed to format the store:\n{}",
            tool.lines().join("\n")
        );
        Ok(())
    }

    /// A key store for the broker, and its certificate for clients. The tool is part of Java.
    async fn make_certificate(&self) -> Result<()> {
        let store = self.folder.path().join("broker.p12").display().to_string();
        let certificate = self.certificate().display().to_string();
        let open = [
            "-keystore",
            &store,
            "-storepass",
            "testkit",
            "-alias",
            "broker",
        ];
        let made = Program::new("keytool")
            .arg("-genkeypair")
            .args(open)
            .args([
                "-storetype",
                "PKCS12",
                "-keyalg",
                "RSA",
                "-validity",
                "3650",
            ])
            .args([
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost,ip:127.0.0.1",
            ]);
        let shown = Program::new("keytool")
            .args(["-exportcert", "-rfc", "-file", &certificate])
            .args(open);
        for tool in [made, shown] {
            let tool = tool.start()?;
            let status = tool.wait(START).await?;
            ensure!(
                status.success(),
                "no certificate:\n{}",
                tool.lines().join("\n")
            );
        }
        Ok(())
    }

    fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("server.properties")
    }

    fn properties(&self, options: &KafkaOptions, (controller, inner): (u16, u16)) -> String {
        let port = self.port;
        let store = self.folder.path().join("store");
        let protocol = match (options.tls, options.users.is_empty()) {
            (false, true) => "PLAINTEXT",
            (true, true) => "SSL",
            (false, false) => "SASL_PLAINTEXT",
            (true, false) => "SASL_SSL",
        };
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@localhost:{controller}\n\
             listeners=CLIENTS://localhost:{port},CONTROLLER://localhost:{controller},INNER://localhost:{inner}\n\
             advertised.listeners=CLIENTS://localhost:{port},INNER://localhost:{inner}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=INNER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,INNER:PLAINTEXT,CLIENTS:{protocol}\n\
             log.dirs={}\n\
             auto.create.topics.enable=false\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=2\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=2\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n\
             {}\n{}\n",
            store.display(),
            self.security(options),
            options.extra
        )
    }

    fn security(&self, options: &KafkaOptions) -> String {
        let mut lines = Vec::new();
        if !options.users.is_empty() {
            let plain = "listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required";
            let users = options.users.iter();
            let users: Vec<_> = users
                .map(|(name, password)| format!("user_{name}=\"{password}\""))
                .collect();
            lines.push("sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".to_owned());
            lines.push(format!("{plain} {};", users.join(" ")));
            for mechanism in ["scram-sha-256", "scram-sha-512"] {
                lines.push(format!("listener.name.clients.{mechanism}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;"));
            }
        }
        if options.tls {
            let store = self.folder.path().join("broker.p12");
            lines.push(format!("ssl.keystore.location={}", store.display()));
            lines.push("ssl.keystore.password=testkit\nssl.keystore.type=PKCS12".to_owned());
        }
        if !options.super_users.is_empty() {
            let users = options
                .super_users
                .iter()
                .map(|name| format!("User:{name}"));
            let users: Vec<_> = users.chain(["User:ANONYMOUS".to_owned()]).collect();
            lines.push(
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
                    .to_owned(),
            );
            lines.push(format!("super.users={}", users.join(";")));
        }
        lines.join("\n")
    }
}

/// A small heap, so that several brokers fit on a machine.
async fn java(class: &str) -> Result<Program> {
    let jars = tokio::task::spawn_blocking(fanjet_tools::kafka_jars).await??;
    Ok(java_with(&jars, class))
}

fn java_with(jars: &Path, class: &str) -> Program {
    Program::new("java")
        .args([
            "-Xmx320m",
            "-Xms128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ])
        .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
        .args(["-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"])
        .args(["-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp"])
        .arg(format!("{}/*", jars.display()))
        .arg(class)
}

#[cfg(test)]
mod tests;
