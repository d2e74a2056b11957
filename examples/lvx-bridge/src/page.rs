//! The page for browsers: its files, embedded in the program.
//!
//! They are plain HTML, CSS and ES modules in the folder `page`, which a browser runs as they are. The build script
//! compresses them, and adds the library for plots where it is installed. All values come from the API.

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    /// Name, such as `app.js`.
    pub(crate) name: &'static str,
    /// Media type.
    pub(crate) media_type: &'static str,
    /// Entity tag, with quotes: it changes with the content.
    pub(crate) tag: &'static str,
    /// Content.
    pub(crate) plain: &'static [u8],
    /// Content, compressed with gzip.
    pub(crate) gzip: &'static [u8],
}

/// All files, by name.
pub(crate) const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page/files.rs"));

/// Name of the file that a browser opens first.
pub(crate) const INDEX: &str = "index.html";

/// Returns a file by its name.
pub(crate) fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &File) -> &str {
        std::str::from_utf8(file.plain).unwrap()
    }

    /// Returns the files of this project.
    fn own() -> impl Iterator<Item = &'static File> {
        FILES.iter().filter(|file| !file.name.starts_with("uplot"))
    }

    /// Returns the files that a file loads at once.
    fn loads(name: &'static str, found: &mut Vec<&'static str>) {
        if found.contains(&name) {
            return;
        }
        found.push(name);
        let text = text(find(name).unwrap_or_else(|| panic!("{name} does not exist")));
        for (start, end) in [("page/", '"'), (" from \"./", '"')] {
            for part in text.split(start).skip(1) {
                let other = part.split(end).next().unwrap();
                loads(find(other).unwrap_or_else(|| panic!("{name}: {other}")).name, found);
            }
        }
    }

    #[test]
    fn opened_page_is_sent_in_less_than_30_kilobytes() {
        let mut names = Vec::new();
        loads(INDEX, &mut names);
        assert!(names.contains(&"overview.js") && !names.contains(&"settings.js"), "{names:?}");
        let sent = names.iter().filter(|name| !name.starts_with("uplot"));
        let size: usize = sent.map(|name| find(name).unwrap().gzip.len()).sum();
        assert!(size < 30_000, "{size} bytes");
        assert!(own().map(|file| file.gzip.len()).sum::<usize>() < 35_000);
    }

    #[test]
    fn files_name_no_other_host() {
        for file in own() {
            let text = text(file).replace("http://www.w3.org/2000/svg", "");
            for scheme in
                ["http://", "https://", "ws://", "wss://", "url(//", "src=\"//", "href=\"//"]
            {
                assert!(!text.contains(scheme), "{} has {scheme}", file.name);
            }
        }
    }

    #[test]
    fn texts_cannot_become_markup() {
        for file in own() {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
            ] {
                assert!(!text(file).contains(word), "{} has {word}", file.name);
            }
            // The content security policy forbids them, so they would not work.
            assert!(
                !text(file).contains(" style=") && !text(file).contains("<style"),
                "{}",
                file.name
            );
        }
    }

    #[test]
    fn every_address_is_relative_and_leads_to_a_file() {
        assert!(!text(find(INDEX).unwrap()).contains("\"/"), "it would leave the base path");
        for file in own() {
            loads(file.name, &mut Vec::new());
        }
    }
}
