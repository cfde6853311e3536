//! What a relay answers about repos and hosts: of the repos in the frames that were published, all on one host.

use serde_json::{Value, json};

use super::Server;
use super::crawls::CrawlRequest;
use super::http::{Reply, Request};
use crate::history::KnownRepo;

const PREFIX: &str = "/xrpc/com.atproto.sync.";
/// Where all accounts are.
const HOST: &str = "pds.example";
const MAX_REPOS: usize = 1_000;
const DEFAULT_REPOS: usize = 500;

/// The answer; `None` where a relay has nothing.
pub(super) fn answer(server: &Server, request: &Request) -> Option<Reply> {
    let method = request.path.strip_prefix(PREFIX)?;
    Some(match (request.is_post(), method) {
        (false, "listRepos") => list_repos(server, request),
        (false, "getRepoStatus") => of_repo(
            server,
            request,
            |did, repo| json!({"did": did, "active": repo.active, "rev": repo.rev}),
        ),
        (false, "getLatestCommit") => of_repo(
            server,
            request,
            |_, repo| json!({"cid": repo.head, "rev": repo.rev}),
        ),
        (false, "listHosts") => Reply::json(200, json!({"hosts": [host(server)]}).to_string()),
        (false, "getHostStatus") if request.query("hostname") == Some(HOST) => {
            Reply::json(200, host(server).to_string())
        }
        (false, "getHostStatus") => Reply::error(404, "HostNotFound", "no such host"),
        (false, "getRepo") => Reply::redirect(format!(
            "https://{HOST}{PREFIX}getRepo?{}",
            request.query_string()
        )),
        (true, "requestCrawl") => request_crawl(server, request),
        _ => return None,
    })
}

fn list_repos(server: &Server, request: &Request) -> Reply {
    let number = |name: &str, default: usize| match request.query(name) {
        None => Ok(default),
        Some(text) => text.parse::<usize>(),
    };
    let (Ok(limit @ 1..=MAX_REPOS), Ok(cursor)) =
        (number("limit", DEFAULT_REPOS), number("cursor", 0))
    else {
        return Reply::error(400, "BadRequest", "limit or cursor is invalid");
    };
    let repos = server.history.repos();
    let page = repos.iter().skip(cursor).take(limit);
    let page: Vec<Value> = page
        .map(|(did, repo)| {
            json!({
                "did": did.as_str(), "head": repo.head, "rev": repo.rev, "active": repo.active,
            })
        })
        .collect();
    let mut answer = json!({});
    if cursor + page.len() < repos.len() {
        answer["cursor"] = (cursor + page.len()).to_string().into();
    }
    answer["repos"] = page.into();
    Reply::json(200, answer.to_string())
}

fn of_repo(
    server: &Server,
    request: &Request,
    answer: impl FnOnce(&str, &KnownRepo) -> Value,
) -> Reply {
    let did = request.query("did").unwrap_or("").replace("%3A", ":");
    let repos = server.history.repos();
    match repos.iter().find(|(known, _)| known.as_str() == did) {
        Some((_, repo)) => Reply::json(200, answer(&did, repo).to_string()),
        None => Reply::error(404, "RepoNotFound", "no such repo"),
    }
}

fn host(server: &Server) -> Value {
    json!({
        "hostname": HOST,
        "seq": server.history.last_seq(),
        "accountCount": server.directory.len(),
        "status": "active",
    })
}

fn request_crawl(server: &Server, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let Some(hostname) = body["hostname"].as_str() else {
        return Reply::error(400, "BadRequest", "hostname is missing");
    };
    let request = CrawlRequest {
        hostname: hostname.to_owned(),
        via: request.header("via").map(ToOwned::to_owned),
    };
    server.crawls.add(request);
    Reply::json(200, "{}")
}
