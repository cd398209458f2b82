//! The resources of this server and where each gets its data.

use crate::NodeError;
use crate::catalogue::{PathPattern, ResourceServer};

use super::source::Source;

/// `PATH=SOURCE` as given on the command line.
#[derive(Clone, Debug)]
struct Resource {
    pattern: PathPattern,
    /// Segments before the `*`.
    prefix: Vec<String>,
    source: Source,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Resources(Vec<Resource>);

impl Resources {
    /// Reads `PATH=SOURCE` texts; each path must be in a class of `server`.
    ///
    /// # Errors
    /// [`NodeError::Config`] naming what is wrong.
    pub(super) fn parse(texts: &[String], server: &ResourceServer) -> Result<Self, NodeError> {
        let mut resources: Vec<Resource> = Vec::new();
        for text in texts {
            let resource = Resource::parse(text, server)
                .map_err(|what| NodeError::Config(format!("--resource {text}: {what}")))?;
            if resources
                .iter()
                .any(|known| known.pattern == resource.pattern)
            {
                let pattern = resource.pattern;
                return Err(NodeError::Config(format!("two sources for {pattern}")));
            }
            resources.push(resource);
        }
        Ok(Self(resources))
    }

    /// The source behind a path, and what of the path is left for a directory. An exact path goes before a `*`.
    pub(super) fn find<'p, 's>(&self, path: &'p [&'s str]) -> Option<(&Source, &'p [&'s str])> {
        let fitting = || self.0.iter().filter(|resource| resource.pattern.fits(path));
        let exact = fitting().find(|resource| resource.pattern.exact().is_some());
        let resource = exact.or_else(|| fitting().max_by_key(|resource| resource.prefix.len()))?;
        Some((&resource.source, path.get(resource.prefix.len()..)?))
    }

    /// Every path there is at this moment.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths: Vec<Vec<String>> = self.0.iter().flat_map(Resource::paths).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

impl Resource {
    fn parse(text: &str, server: &ResourceServer) -> Result<Self, String> {
        let (path, source) = text.split_once('=').ok_or("expected PATH=SOURCE")?;
        let (pattern, source): (PathPattern, Source) = (path.parse()?, source.parse()?);
        let open = pattern.exact().is_none();
        if open != source.is_directory() {
            return Err("a path ending in * goes with a dir: source, and only with one".into());
        }
        let prefix: Vec<String> = path
            .split('/')
            .filter(|segment| *segment != "*")
            .map(str::to_owned)
            .collect();
        let example: Vec<&str> = prefix
            .iter()
            .map(String::as_str)
            .chain(open.then_some("any"))
            .collect();
        if server.class_of(&example).is_none() {
            let known = server.classes.values().flatten();
            let known: Vec<String> = known.map(ToString::to_string).collect();
            return Err(format!(
                "no class of `{}` in the catalogue has it; they have: {}",
                server.name,
                known.join(", ")
            ));
        }
        Ok(Self {
            pattern,
            prefix,
            source,
        })
    }

    fn paths(&self) -> Vec<Vec<String>> {
        if self.pattern.exact().is_some() {
            return vec![self.prefix.clone()];
        }
        let below = self.source.files().into_iter();
        below
            .map(|below| [&self.prefix[..], &below].concat())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain::{SignAlg, Signer, SigningKey};

    fn server() -> ResourceServer {
        let key = SigningKey::from_bytes(SignAlg::Es256k, &[1; 32])
            .unwrap()
            .public();
        let classes = serde_json::json!({"0007": ["load", "log/*"], "0008": ["log/today"]});
        ResourceServer {
            name: "meter".into(),
            rs: key.address().unwrap(),
            key,
            coap: ([127, 0, 0, 1], 0).into(),
            proxy: None,
            classes: serde_json::from_value(classes).unwrap(),
        }
    }

    fn parse(texts: &[&str]) -> Result<Resources, NodeError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Resources::parse(&texts, &server())
    }

    #[test]
    fn a_path_finds_its_source() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a"), "").unwrap();
        let log = format!("log/*=dir:{}", directory.path().display());
        let resources = parse(&["load=proc:loadavg", &log, "log/today=proc:uptime"]).unwrap();
        let found = |path: &[&str]| {
            resources
                .find(path)
                .map(|(source, below)| (source.clone(), below.len()))
        };
        assert_eq!(
            found(&["load"]),
            Some((Source::Kernel("/proc/loadavg".into()), 0))
        );
        assert_eq!(
            found(&["log", "a"]),
            Some((Source::Directory(directory.path().into()), 1))
        );
        assert_eq!(
            found(&["log", "today"]),
            Some((Source::Kernel("/proc/uptime".into()), 0))
        );
        for path in [&["log"][..], &["load", "x"], &["none"], &[]] {
            assert_eq!(found(path), None, "{path:?}");
        }
        assert_eq!(
            resources.paths(),
            [vec!["load"], vec!["log", "a"], vec!["log", "today"]]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("load", "expected PATH=SOURCE"),
            ("load=xyz", "none of file:PATH"),
            ("temp=proc:uptime", "they have: load, log/*"),
            ("log/*=proc:uptime", "dir: source"),
            ("load=dir:/tmp", "dir: source"),
            ("a/../b=proc:uptime", "path segment"),
        ] {
            let error = parse(&[text]).unwrap_err();
            assert!(
                matches!(&error, NodeError::Config(what) if what.contains(expected)),
                "{error}"
            );
        }
        assert!(parse(&["load=proc:uptime", "load=proc:stat"]).is_err());
    }
}
