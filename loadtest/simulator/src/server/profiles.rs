//! `app.bsky.actor.getProfile`, as an AppView serves it, for the accounts of the world.

use serde_json::{Value, json};

use super::did_documents::created_at;
use super::http::{Reply, Request};
use crate::Directory;

pub(super) const GET_PROFILE: &str = "/xrpc/app.bsky.actor.getProfile";

pub(super) fn get(directory: &Directory, request: &Request) -> Reply {
    let actor = request.query("actor").unwrap_or("").replace("%3A", ":");
    let Some(document) = directory.get(&actor) else {
        return Reply::bad_request("Profile not found");
    };
    let document: Value = serde_json::from_str(&document).unwrap_or_default();
    let name = document["alsoKnownAs"][0].as_str().unwrap_or_default();
    // Some accounts are new, others are not.
    let followers: u32 = actor.bytes().map(u32::from).sum::<u32>() % 40;
    let profile = json!({
        "did": actor,
        "handle": name.trim_start_matches("at://"),
        "displayName": name,
        "followersCount": followers,
        "followsCount": 7,
        "postsCount": followers,
        "createdAt": created_at(&actor),
    });
    Reply::json(200, profile.to_string())
}
