//! A hub of one model on a port of this host.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

/// The commit that its `main` is.
pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How a request of a file goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    /// Every request is answered with this status.
    Refuses(u16),
    /// The connection breaks halfway through a file of weights.
    Breaks,
    /// Files of weights end early, as if they were whole.
    Cuts,
    /// Files are of another commit than the listing said.
    Moves,
}

/// What clients ask, and how they are answered.
pub(super) struct Server {
    pub(super) endpoint: String,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The model `org/name` with these files.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let files: BTreeMap<String, String> = files.collect();
        let server = Self {
            endpoint: format!("http://{address}"),
            mood: Arc::new(Mutex::new(Mood::Well)),
            asked: Arc::default(),
        };
        let (mood, asked) = (server.mood.clone(), server.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mood = *mood.lock().expect("no test panics with it");
                // A client that is gone is no matter of the test.
                let _ = answer(&stream, &files, mood, &asked);
            }
        });
        server
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().expect("no test panics with it") = mood;
    }

    /// The files that were asked for since the last call: twice each, for its size and for itself.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("no test panics with it"))
    }
}

fn answer(
    mut stream: &TcpStream,
    files: &BTreeMap<String, String>,
    mood: Mood,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?.to_ascii_lowercase();
        match line.split_once(": ") {
            Some((name, value)) => headers.insert(name.to_owned(), value.to_owned()),
            None => break,
        };
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let mut send = |status: &str, more: &str, length: usize, body: &str| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n{body}"
        )
    };
    if let Mood::Refuses(status) = mood {
        return send(&format!("{status} No"), "", 0, "");
    }
    if path == "/api/models/org/name/revision/main?blobs=true" {
        let siblings = files.iter();
        let siblings =
            siblings.map(|(name, text)| json!({ "rfilename": name, "size": text.len() }));
        let siblings: Vec<_> = siblings.collect();
        let body = json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        return send("200 OK", "", body.len(), &body);
    }
    let name = path.strip_prefix("/org/name/resolve/main/");
    let Some((name, text)) = name.and_then(|name| files.get_key_value(name)) else {
        return send("404 Not Found", "", 0, "");
    };
    asked
        .lock()
        .expect("no test panics with it")
        .push(name.clone());
    let text = match mood {
        Mood::Cuts if name.ends_with(".safetensors") => &text[..text.len() / 2],
        _ => text,
    };
    let range = headers
        .get("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let (start, end) = range
        .and_then(|range| range.split_once('-'))
        .unwrap_or_default();
    let start: usize = start.parse().unwrap_or(0);
    let end = end
        .parse()
        .map_or(text.len(), |last: usize| (last + 1).min(text.len()));
    let body = &text[start..end];
    let commit = match mood {
        Mood::Moves => COMMIT.replace('0', "f"),
        _ => COMMIT.to_owned(),
    };
    let more = format!(
        "ETag: \"{:x}\"\r\nX-Repo-Commit: {commit}\r\nContent-Range: bytes {start}-{}/{}\r\n",
        text.len() * 31 + name.len(),
        end.saturating_sub(1),
        text.len(),
    );
    let is_broken = mood == Mood::Breaks && name.ends_with(".safetensors") && body.len() > 1;
    let sent = if is_broken {
        &body[..body.len() / 2]
    } else {
        body
    };
    send("206 Partial Content", &more, body.len(), sent)
}
