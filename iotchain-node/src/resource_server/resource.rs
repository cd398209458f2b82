//! The resources of this server: where each gets its data, and what clients with the right may do to it.

use iotchain::Method;

use crate::NodeError;
use crate::catalogue::{PathPattern, ResourceServer};

use super::source::Source;

/// One resource, or all below a directory.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pattern: PathPattern,
    /// Segments before the `*`.
    prefix: Vec<String>,
    source: Option<Source>,
    writable: bool,
    action: Option<String>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Resources(Vec<Resource>);

impl Resources {
    /// Reads what the command line says: `PATH=SOURCE` for each of `sources`, `PATH` for each of `writable`, and
    /// `PATH=COMMAND LINE` for each of `actions`. Each path must be in a class of `server`.
    ///
    /// # Errors
    /// [`NodeError::Config`] naming what is wrong.
    pub(super) fn parse(
        sources: &[String],
        writable: &[String],
        actions: &[String],
        server: &ResourceServer,
    ) -> Result<Self, NodeError> {
        let mut all = Self(Vec::new());
        let steps: [(&str, &[String], Step); 3] = [
            ("resource", sources, Self::add_source),
            ("writable", writable, Self::make_writable),
            ("action", actions, Self::add_action),
        ];
        for (option, texts, step) in steps {
            for text in texts {
                step(&mut all, text, server)
                    .map_err(|what| NodeError::Config(format!("--{option} {text}: {what}")))?;
            }
        }
        if all.0.is_empty() {
            let what = "nothing to serve: name a --resource or an --action";
            return Err(NodeError::Config(what.into()));
        }
        Ok(all)
    }

    fn add_source(&mut self, text: &str, server: &ResourceServer) -> Result<(), String> {
        let (path, source) = text.split_once('=').ok_or("expected PATH=SOURCE")?;
        let (pattern, source): (PathPattern, Source) = (path.parse()?, source.parse()?);
        if pattern.exact().is_none() != source.is_directory() {
            return Err("a path ending in * goes with a dir: source, and only with one".into());
        }
        let resource = self.entry(path, pattern, server)?;
        if resource.source.replace(source).is_some() {
            return Err(format!("two sources for {path}"));
        }
        Ok(())
    }

    fn make_writable(&mut self, path: &str, _: &ResourceServer) -> Result<(), String> {
        let pattern: PathPattern = path.parse()?;
        let mut known = self.0.iter_mut();
        let resource = known.find(|known| known.pattern == pattern);
        let file = |resource: &&mut Resource| resource.file().is_some();
        let resource = resource
            .filter(file)
            .ok_or("it has no file: source that could be replaced")?;
        resource.writable = true;
        Ok(())
    }

    fn add_action(&mut self, text: &str, server: &ResourceServer) -> Result<(), String> {
        let (path, line) = text.split_once('=').ok_or("expected PATH=COMMAND LINE")?;
        let pattern: PathPattern = path.parse()?;
        if pattern.exact().is_none() {
            return Err("an action has a path of its own, without *".into());
        }
        if line.trim().is_empty() {
            return Err("the command line is empty".into());
        }
        let resource = self.entry(path, pattern, server)?;
        if resource.action.replace(line.to_owned()).is_some() {
            return Err(format!("two actions for {path}"));
        }
        Ok(())
    }

    /// The resource with this pattern, made first if there is none.
    fn entry(
        &mut self,
        path: &str,
        pattern: PathPattern,
        server: &ResourceServer,
    ) -> Result<&mut Resource, String> {
        let known = self.0.iter().position(|known| known.pattern == pattern);
        let at = match known {
            Some(at) => at,
            None => {
                self.0.push(Resource::new(path, pattern, server)?);
                self.0.len() - 1
            }
        };
        self.0.get_mut(at).ok_or_else(|| "no such resource".into())
    }

    /// The resource behind a path, and what of the path is left for a directory. An exact path goes before a `*`.
    pub(super) fn find<'p, 's>(&self, path: &'p [&'s str]) -> Option<(&Resource, &'p [&'s str])> {
        let fitting = || self.0.iter().filter(|resource| resource.pattern.fits(path));
        let exact = fitting().find(|resource| resource.pattern.exact().is_some());
        let resource = exact.or_else(|| fitting().max_by_key(|resource| resource.prefix.len()))?;
        Some((resource, path.get(resource.prefix.len()..)?))
    }

    /// Every path there is at this moment.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        sorted(self.0.iter())
    }

    /// Every path that can be read at this moment.
    pub(super) fn readable_paths(&self) -> Vec<Vec<String>> {
        sorted(self.0.iter().filter(|resource| resource.source.is_some()))
    }
}

/// Takes one text of the command line in.
type Step = fn(&mut Resources, &str, &ResourceServer) -> Result<(), String>;

fn sorted<'a>(resources: impl Iterator<Item = &'a Resource>) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = resources.flat_map(Resource::paths).collect();
    paths.sort();
    paths.dedup();
    paths
}

impl Resource {
    /// A resource that can do nothing yet.
    fn new(path: &str, pattern: PathPattern, server: &ResourceServer) -> Result<Self, String> {
        let prefix: Vec<String> = path
            .split('/')
            .filter(|segment| *segment != "*")
            .map(str::to_owned)
            .collect();
        let example: Vec<&str> = prefix
            .iter()
            .map(String::as_str)
            .chain(pattern.exact().is_none().then_some("any"))
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
            source: None,
            writable: false,
            action: None,
        })
    }

    /// Where its data comes from.
    pub(super) const fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// The file that a PUT replaces, and what its name says about its content, whether or not anybody may.
    pub(super) fn file(&self) -> Option<(&std::path::Path, Option<u16>)> {
        self.source.as_ref()?.file()
    }

    /// What a POST runs.
    pub(super) fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// Whether there is anything that `method` could do here, whoever asks.
    pub(super) const fn takes(&self, method: Method) -> bool {
        match method {
            Method::Fetch => self.source.is_some(),
            Method::Put => self.writable,
            Method::Post => self.action.is_some(),
            _ => false,
        }
    }

    fn paths(&self) -> Vec<Vec<String>> {
        if self.pattern.exact().is_some() {
            return vec![self.prefix.clone()];
        }
        let below = self.source.iter().flat_map(Source::files);
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
        parse_all(texts, &[], &[])
    }

    fn parse_all(
        sources: &[&str],
        writable: &[&str],
        actions: &[&str],
    ) -> Result<Resources, NodeError> {
        let [sources, writable, actions] = [sources, writable, actions].map(|texts| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        });
        Resources::parse(&sources, &writable, &actions, &server())
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
                .map(|(resource, below)| (resource.source().cloned().unwrap(), below.len()))
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

    #[test]
    fn what_may_be_done_is_what_was_named() {
        let resources = parse_all(
            &["load=file:/tmp/load", "log/today=proc:uptime"],
            &["load"],
            &["load=cat", "log/switch=true"],
        )
        .unwrap();
        let takes = |path: &[&str]| {
            let (resource, _) = resources.find(path).unwrap();
            [Method::Fetch, Method::Put, Method::Post, Method::Patch]
                .map(|method| resource.takes(method))
        };
        assert_eq!(takes(&["load"]), [true, true, true, false]);
        assert_eq!(takes(&["log", "today"]), [true, false, false, false]);
        assert_eq!(takes(&["log", "switch"]), [false, false, true, false]);
        let paths =
            |paths: Vec<Vec<String>>| paths.iter().map(|path| path.join("/")).collect::<Vec<_>>();
        assert_eq!(
            paths(resources.paths()),
            ["load", "log/switch", "log/today"]
        );
        assert_eq!(paths(resources.readable_paths()), ["load", "log/today"]);

        let file: &[&str] = &["load=file:/tmp/load"];
        let cases: [(&[&str], &[&str], &str); 8] = [
            (&["log/today"], &[], "no file: source"),
            (&["log/*"], &[], "no file: source"),
            (&["nothing"], &[], "no file: source"),
            (&[], &["load"], "expected PATH=COMMAND LINE"),
            (&[], &["load= "], "the command line is empty"),
            (&[], &["log/*=cat"], "without *"),
            (&[], &["other=cat"], "they have: load, log/*"),
            (&[], &["load=cat", "load=true"], "two actions"),
        ];
        for (writable, actions, expected) in cases {
            let error = parse_all(file, writable, actions).unwrap_err();
            assert!(
                matches!(&error, NodeError::Config(what) if what.contains(expected)),
                "{error}"
            );
        }
        let error = parse_all(&["load=proc:uptime"], &["load"], &[]).unwrap_err();
        assert!(error.to_string().contains("no file: source"), "{error}");
        assert!(parse_all(&[], &[], &[]).is_err());
    }
}
