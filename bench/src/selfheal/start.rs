//! How long a key server takes to be back after a restart, and how much memory: a process of its own that takes up the
//! snapshot of a group and is ready when it can announce the session.

use super::OURS;
use crate::Outcome;
use crate::measure::median;
use crate::row::Row;
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::GroupManager;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Starts that are measured.
const STARTS: usize = 5;

/// The process: prints its greatest resident memory in bytes once it is ready.
pub(crate) fn serve(snapshot: &Path) -> Outcome {
    let manager = GroupManager::import(&fs::read(snapshot)?)?;
    manager.beacon()?;
    let session = manager.session().ok_or("the group is not open")?;
    manager.group_key(session)?;
    println!("{}", peak_memory()?);
    Ok(())
}

/// Starts such processes: from the fork to the answer, in wall-clock time; memory is that of the whole process.
pub(crate) fn start(n: u32, r: u32, snapshot: &[u8]) -> Outcome<Row> {
    let file = std::env::temp_dir().join(format!("iotchain-bench-{}", std::process::id()));
    fs::write(&file, snapshot)?;
    let program = std::env::current_exe()?;
    let mut times = Vec::new();
    let mut memory = 0;
    let mut once = || -> Outcome {
        let begin = Instant::now();
        let output = Command::new(&program).arg("start").arg(&file).output()?;
        times.push(begin.elapsed().as_nanos() as f64);
        let answer = String::from_utf8(output.stdout)?;
        memory = memory.max(answer.trim().parse()?);
        Ok(())
    };
    let outcome = (0..STARTS).try_for_each(|_| once());
    fs::remove_file(&file)?;
    outcome?;
    Ok(Row::new(OURS, "start")
        .n(n)
        .r(r)
        .bytes(memory)
        .ns(median(&mut times)))
}

fn peak_memory() -> Outcome<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: usize = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("the system does not tell the memory of a process")?
        .parse()?;
    Ok(kibibytes * 1024)
}
