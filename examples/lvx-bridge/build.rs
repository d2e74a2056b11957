//! Prepares the files of the page: compresses them, and adds the library for plots if it is installed.
//!
//! `npm ci` in the folder `page` installs it. With the environment variable `LVX_PLOTS=required`, a build without it
//! fails; packages are built so.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-env-changed=LVX_PLOTS");
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("page");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("page");
    fs::create_dir_all(&out)?;

    let plots = plots(&folder.join("node_modules/uplot"))?;
    if plots.is_empty() && env::var("LVX_PLOTS").is_ok_and(|value| value == "required") {
        return Err("expected uplot, found none; run `npm ci` in examples/lvx-bridge/page".into());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if media_type(&path).is_some() {
            let tags = if plots.is_empty() { "" } else { PLOT_TAGS };
            let text = fs::read_to_string(&path)?.replace("<!-- plots -->\n", tags);
            files.push((name.to_owned(), without_comments(&text).into_bytes()));
        }
    }
    files.extend(plots);
    files.sort();

    let mut table = String::from("&[\n");
    for (name, content) in &files {
        let path = out.join(name);
        let media_type = media_type(&path).unwrap_or("application/octet-stream");
        let mut digest = String::new();
        for byte in Sha256::digest(content).iter().take(8) {
            write!(digest, "{byte:02x}")?;
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        fs::write(&path, content)?;
        fs::write(out.join(format!("{name}.gz")), gzip.finish()?)?;
        writeln!(
            table,
            "File {{ name: {name:?}, media_type: {media_type:?}, tag: \"W/\\\"{digest}\\\"\", \
             plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/page/{name}\")), \
             gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/page/{name}.gz\")) }},"
        )?;
    }
    table.push_str("]\n");
    fs::write(out.join("files.rs"), table)?;
    Ok(())
}

/// Returns a text without indentation, and without lines that are only a comment.
fn without_comments(text: &str) -> String {
    let is_code = |line: &&str| {
        !line.is_empty() && !["//", "/*", "*"].iter().any(|start| line.starts_with(start))
    };
    let mut code: Vec<_> = text.lines().map(str::trim).filter(is_code).collect();
    code.push("");
    code.join("\n")
}

/// Returns the media type of a file of the page; `None` if it is not one.
fn media_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

/// Name and content of a file.
type File = (String, Vec<u8>);

/// Returns the files of the library for plots; none if it is not installed.
fn plots(folder: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for (path, name) in [
        ("dist/uPlot.iife.min.js", "uplot.js"),
        ("dist/uPlot.min.css", "uplot.css"),
        ("LICENSE", "uplot-license.txt"),
    ] {
        files.push((name.to_owned(), fs::read(folder.join(path))?));
    }
    Ok(files)
}

/// Elements that load the library for plots, before the modules.
const PLOT_TAGS: &str = "<link rel=\"stylesheet\" href=\"page/uplot.css\">\n<script src=\"page/uplot.js\" defer></script>\n";
