//! Imports point downward in the table of folders of docs/architecture.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A row of the table: folders and files that may import each other and what stands in rows above.
struct Floor {
    paths: Vec<PathBuf>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table, the lowest first.
fn floors() -> Vec<Floor> {
    let text = read(&root().join("docs/architecture.md"));
    let sections = text.split("\n## ");
    let table = sections
        .filter(|section| section.starts_with("Folders"))
        .last();
    let rows = table
        .expect("a section of folders")
        .lines()
        .filter(|line| line.starts_with("| `"));
    let floors = rows.map(|row| {
        let folders = row.split('|').nth(1).expect("a first column");
        let paths = folders.split('`').skip(1).step_by(2).map(PathBuf::from);
        Floor {
            paths: paths.collect(),
        }
    });
    floors.collect()
}

/// The Rust files of a module or a crate: `nn.rs`, and those below `nn`.
fn sources(path: &Path) -> Vec<PathBuf> {
    let own = path.with_extension("rs");
    let mut files: Vec<PathBuf> = own.is_file().then_some(own).into_iter().collect();
    if path.is_dir() {
        files.extend(below(path));
    }
    files
}

fn below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "rs"))
        .flat_map(|path| below(&path))
        .collect()
}

/// The module that a path of the table is, as crates name it: `tp_runtime::nn`, `tp_plan`.
fn module(path: &Path) -> String {
    let name = |path: &Path| {
        path.file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    match path.parent() {
        Some(parent) if parent.ends_with("tp-runtime/src") => format!("tp_runtime::{}", name(path)),
        _ => {
            let manifest = read(&root().join(path).join("Cargo.toml"));
            let named = manifest
                .lines()
                .find_map(|line| line.strip_prefix("name = "));
            named
                .expect("a package")
                .trim_matches('"')
                .replace('-', "_")
        }
    }
}

/// What `lib.rs` of tp-runtime exports at its root, and the module it comes from.
fn root_exports() -> BTreeMap<String, String> {
    let text = read(&root().join("tp-runtime/src/lib.rs"));
    let mut exports = BTreeMap::new();
    for line in text
        .split(';')
        .filter_map(|line| line.split("pub use ").nth(1))
    {
        let Some((module, names)) = line.split_once("::") else {
            continue;
        };
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            exports.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    exports
}

/// The modules that a line names, as crates name them.
fn named(line: &str, crate_name: &str, exports: &BTreeMap<String, String>) -> Vec<String> {
    let separators = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    // `::tp_runtime` and `$crate` stand in what macros expand to: imports of somebody else's.
    let line = line.replace("$crate", "");
    let paths = line
        .split(separators)
        .filter(|path| !path.starts_with("::"));
    let modules = paths.filter_map(|path| {
        let mut segments = path.split("::");
        let first = match segments.next()? {
            "crate" => crate_name,
            other if other.starts_with("tp_") => other,
            _ => return None,
        };
        let second = segments.next()?;
        if first != "tp_runtime" {
            return Some(first.to_owned());
        }
        match exports.get(second).map(String::as_str) {
            Some(other) if other.starts_with("tp_") => Some(other.to_owned()),
            Some(module) => Some(format!("{first}::{module}")),
            None => Some(format!("{first}::{second}")),
        }
    });
    modules.collect()
}

/// The imports of a floor that point upward, as `file:line`.
fn upward(floors: &[Floor], exports: &BTreeMap<String, String>) -> Vec<String> {
    let heights: BTreeMap<String, usize> = (floors.iter().enumerate())
        .flat_map(|(height, floor)| floor.paths.iter().map(move |path| (module(path), height)))
        .collect();
    let mut found = Vec::new();
    for (height, floor) in floors.iter().enumerate() {
        for path in &floor.paths {
            let crate_name = module(path).split("::").next().expect("a crate").to_owned();
            let folder = root().join(path);
            let folder = match folder.join("src").is_dir() {
                true => folder.join("src"),
                false => folder,
            };
            for file in sources(&folder) {
                let text = read(&file);
                let code = text
                    .lines()
                    .zip(1..)
                    .filter(|(line, _)| !line.trim_start().starts_with("//"));
                for (line, number) in code {
                    for module in named(line, &crate_name, exports) {
                        if heights.get(&module).is_some_and(|other| *other > height) {
                            found.push(format!("{}:{number}: {module}", file.display()));
                        }
                    }
                }
            }
        }
    }
    found
}

#[test]
fn imports_point_downward() {
    let found = upward(&floors(), &root_exports());
    assert!(found.is_empty(), "upward: {found:#?}");
}

#[test]
fn an_upward_import_is_found() {
    let reversed: Vec<Floor> = floors().into_iter().rev().collect();
    assert!(upward(&reversed, &root_exports()).len() > 50);
}

#[test]
fn every_folder_is_in_the_table() {
    let known: Vec<String> = floors()
        .iter()
        .flat_map(|floor| floor.paths.iter().map(|path| module(path)))
        .collect();
    let library = root().join("tp-runtime/src");
    for entry in fs::read_dir(&library).expect("tp-runtime") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let folder = format!("tp_runtime::{name}");
        assert!(
            name == "lib" || known.contains(&folder),
            "{folder} is in no row"
        );
    }
    for package in [
        "tp_plan",
        "tp_dist",
        "tp_macros",
        "tp_models",
        "tp_data",
        "tp_cli",
    ] {
        assert!(
            known.iter().any(|known| known == package),
            "{package} is in no row"
        );
    }
}
