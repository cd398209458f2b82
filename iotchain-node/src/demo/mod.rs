//! The paper's whole flow on one machine, and what goes wrong in the field: shown, and checked.
//!
//! ```text
//! demo -- starts --> ledger, key-server, proxy, resource-server, three clients: processes on loopback
//!      -- plays ---> the owner, and the attacker on the path
//! ```

mod adversary;
mod noise;
mod pause;
mod ports;
mod roles;
mod shell;
mod story;
mod timeline;
mod world;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::NodeError;
use crate::clock::Stop;
use crate::resource_server::MAX_REPRESENTATION;
use crate::runtime::random;
use timeline::Timeline;
use world::World;

/// Files of this host that serve as the protected document unless the user names one.
const DOCUMENTS: [&str; 2] = ["/etc/os-release", "/proc/version"];

/// Run all roles on this machine, walk the paper's flow and check it
///
/// Starts the five roles as processes on loopback, with a temporary data directory, and walks Fig. 1 of the paper; then
/// a dishonest proxy, late clients, requests that change something, lost broadcasts, revocations, noise on every port and power cuts. Every line marked
/// + was checked. The exit code is 1 if a check fails.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  iotchain demo\n  iotchain demo --file ./secret.pdf --pause")]
pub struct Args {
    /// A file of yours to protect, besides the host's own readings (at most 65,279 bytes)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Keep the roles running at the end and print how to talk to each by hand
    #[arg(long)]
    pub pause: bool,
}

/// Runs the demo.
///
/// # Errors
/// [`NodeError::Failed`] if a check did not hold; otherwise what kept the story from being told.
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let document = document(args.file.as_deref())?;
    let directory = Temporary::create()?;
    let mut timeline = Timeline::new(stop);
    timeline.print(format_args!(
        "IoTChain: authorized access to IoT resources with no trusted authorization server.\n\
         Roles on loopback, data in {}. Lines marked + were checked.",
        directory.0.display()
    ));
    let told = tell(&directory.0, &document, &mut timeline, args.pause, stop);
    match timeline.lost() {
        Some(source) => Err(NodeError::io("stdout", source)),
        // Whatever went wrong after that went wrong because of it.
        None if stop.is_stopped() && told.is_err() => {
            Err(NodeError::Failed("the demo was interrupted".into()))
        }
        None => told,
    }
}

/// The story from its beginning to its end; when it is over, so are the roles.
fn tell(
    directory: &Path,
    document: &Path,
    timeline: &mut Timeline,
    pause: bool,
    stop: &Stop,
) -> Result<(), NodeError> {
    timeline.chapter("Authorized access, the paper's Fig. 1");
    let mut world = World::build(directory, document, stop, timeline)?;
    let mut alice = story::authorized_access(&world, document, timeline)?;
    timeline.chapter("A dishonest proxy");
    story::dishonest_proxy(&world, &mut alice, timeline)?;
    timeline.chapter("Late clients");
    let mut latecomers = story::late_clients(&world, timeline)?;
    timeline.chapter("Who may change things, and how often");
    story::rights(&world, &mut latecomers, timeline)?;
    timeline.chapter("Lost broadcasts and revocations");
    story::losses_and_revocations(&world, &mut alice, &mut latecomers, timeline)?;
    timeline.chapter("Noise");
    story::noise(&mut world, &mut alice, timeline)?;
    timeline.chapter("Power cuts");
    story::power_cuts(&mut world, &mut alice, timeline)?;

    let held = timeline.close();
    if pause && held {
        pause::explain(&world, directory, timeline);
        stop.wait_stopped();
    }
    if held {
        Ok(())
    } else {
        Err(NodeError::Failed(
            "the demo found something wrong, see above".into(),
        ))
    }
}

fn document(file: Option<&Path>) -> Result<PathBuf, NodeError> {
    let Some(file) = file else {
        let present = DOCUMENTS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file());
        return present
            .ok_or_else(|| NodeError::Config("name a file to protect with --file".into()));
    };
    let fault = |source| NodeError::io(file.display(), source);
    let metadata = std::fs::metadata(file).map_err(fault)?;
    if !metadata.is_file() {
        let what = format!("{} is not a regular file", file.display());
        return Err(NodeError::Config(what));
    }
    if metadata.len() > MAX_REPRESENTATION as u64 {
        return Err(NodeError::Config(format!(
            "{} has {} bytes; an object has room for {MAX_REPRESENTATION}",
            file.display(),
            metadata.len()
        )));
    }
    std::fs::File::open(file)
        .and(file.canonicalize())
        .map_err(fault)
}

/// A directory that goes with the demo.
struct Temporary(PathBuf);

impl Temporary {
    fn create() -> Result<Self, NodeError> {
        let name = format!("iotchain-demo-{}", hex::encode(random::<4>()?));
        let path = std::env::temp_dir().join(name);
        // Keys, plaintext and logs are nobody else's on a shared machine.
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| NodeError::io(path.display(), source))?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // what cannot be removed is left to the system's own clean-up of temporary files
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
