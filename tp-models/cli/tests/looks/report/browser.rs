//! The page in a browser, where there is one.

use std::path::PathBuf;
use std::process::Command;

use super::run::{CHARTS, Run};

/// A browser that runs without a screen.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let files = std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name)));
    files.into_iter().find(|file| file.is_file())
}

#[test]
fn a_browser_shows_the_charts() {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no chromium, chromium-browser or google-chrome");
        return;
    };
    let run = Run::whole();
    run.page();
    let url = format!("file://{}", run.path().join("report.html").display());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            &url,
        ])
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    for title in CHARTS {
        assert!(dom.contains(&format!("<h3>{title}</h3>")), "{dom}");
        assert!(
            dom.contains(&format!("aria-label=\"{title} over steps")),
            "{dom}"
        );
    }
}
