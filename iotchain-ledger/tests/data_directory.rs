//! The data directory: kills, second processes, foreign and damaged files. Nothing acknowledged is ever lost.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use iotchain_core::Address;
use iotchain_ledger::embedded::Config;
use iotchain_ledger::{Account, EmbeddedLedger, Hash, Header, Ledger, LedgerError, Transaction};
use support::{KilledOnDrop, manual};

const DIRECTORY: &str = "IOTCHAIN_TEST_DIRECTORY";
const FILE: &str = "ledger.redb";

fn open(directory: &Path) -> Result<EmbeddedLedger, LedgerError> {
    EmbeddedLedger::open(directory, &manual())
}

/// Puts one transaction of `account` into a block.
fn one_block(ledger: &EmbeddedLedger, account: &Account) -> (Hash, Header) {
    let transaction = account.sign(&Transaction {
        chain_id: ledger.chain_id().unwrap(),
        nonce: ledger.nonce(account.address()).unwrap(),
        to: Some(Address::new([7; 20])),
        data: vec![1; 200],
        gas_limit: 100_000,
        gas_price: 0,
    });
    let hash = ledger.send(&transaction).unwrap();
    (hash, ledger.seal_block().unwrap())
}

#[test]
fn reopening_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let account = Account::generate().unwrap();
    let (blocks, sealer) = {
        let ledger = open(directory.path()).unwrap();
        let blocks: Vec<_> = (0..5).map(|_| one_block(&ledger, &account)).collect();
        (blocks, ledger.sealer())
    };
    let ledger = open(directory.path()).unwrap();
    assert_eq!(ledger.sealer(), sealer);
    assert_eq!(ledger.head().unwrap(), blocks[4].1);
    for (transaction, block) in &blocks {
        assert_eq!(ledger.header(block.number).unwrap(), Some(*block));
        assert_eq!(
            ledger.receipt(*transaction).unwrap().unwrap().block,
            block.hash
        );
    }
    assert_eq!(ledger.nonce(account.address()).unwrap(), 5);
    one_block(&ledger, &account);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(directory.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "the file holds the sealer's key");
    }
}

#[test]
fn a_second_user_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(LedgerError::InUse(_))));
    first.seal_block().unwrap();
    drop(first);
    assert_eq!(open(directory.path()).unwrap().head().unwrap().number, 1);
}

#[test]
fn another_chain_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let other = Config {
        chain_id: 1,
        ..manual()
    };
    assert!(matches!(
        EmbeddedLedger::open(directory.path(), &other),
        Err(LedgerError::Foreign(_))
    ));
    open(directory.path()).unwrap();
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), "mine").unwrap();
    assert!(matches!(
        open(directory.path()),
        Err(LedgerError::Foreign(_))
    ));
    let names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["thesis.txt"]);

    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(
        matches!(open(file.path()), Err(LedgerError::Storage(_))),
        "a file is no directory"
    );
    let nowhere = Path::new("/proc/no/such/place");
    assert!(matches!(open(nowhere), Err(LedgerError::Storage(_))));
}

/// Damage anywhere in the file ends in one clear error or, where it hit free space, in the unchanged chain.
#[test]
fn damage_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let head = {
        let ledger = open(directory.path()).unwrap();
        let account = Account::generate().unwrap();
        for _ in 0..20 {
            one_block(&ledger, &account);
        }
        ledger.head().unwrap()
    };
    let file = directory.path().join(FILE);
    let good = fs::read(&file).unwrap();
    let truncated = |length: usize| good[..length].to_vec();
    let mut damaged = vec![
        b"just some text, no database at all".to_vec(),
        truncated(100),
        truncated(good.len() / 2),
        vec![0; good.len()],
    ];
    damaged.extend((0..good.len()).step_by(good.len() / 60).map(|at| {
        let mut bytes = good.clone();
        let end = bytes.len().min(at + 64);
        bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x55);
        bytes
    }));
    let mut reported = 0;
    for bytes in damaged {
        fs::write(&file, &bytes).unwrap();
        match open(directory.path()) {
            Ok(ledger) => assert_eq!(ledger.head().unwrap(), head),
            Err(LedgerError::Corrupt(_) | LedgerError::Foreign(_)) => reported += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(reported >= 4);
    fs::write(&file, &good).unwrap();
    assert_eq!(open(directory.path()).unwrap().head().unwrap(), head);
}

/// The child of the two tests below: makes blocks and says so, until it is killed. Without their variable it does nothing.
#[test]
fn child_makes_blocks() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let ledger = open(Path::new(&directory)).unwrap();
    let account = Account::generate().unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let (transaction, block) = one_block(&ledger, &account);
        writeln!(out, "\nmade {} {} {transaction}", block.number, block.hash).unwrap();
        out.flush().unwrap();
    }
}

/// Runs the child until it has made `blocks` blocks and a while more, kills it, and returns what it said it made.
fn run_and_kill(directory: &Path, blocks: usize, more: Duration) -> Vec<(u64, String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_makes_blocks", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut child = KilledOnDrop(child);
    let parse = |line: String| {
        let mut words = line.strip_prefix("made ")?.split(' ').map(str::to_owned);
        Some((words.next()?.parse().unwrap(), words.next()?, words.next()?))
    };
    let mut made: Vec<_> = (&mut lines)
        .map_while(Result::ok)
        .filter_map(parse)
        .take(blocks)
        .collect();
    std::thread::sleep(more);
    child.0.kill().unwrap(); // SIGKILL
    child.0.wait().unwrap();
    // The last line may be cut off.
    made.extend(
        lines
            .map_while(Result::ok)
            .filter(|line| line.len() > 130)
            .filter_map(parse),
    );
    made
}

#[test]
fn kills_lose_no_acknowledged_block() {
    let directory = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for round in 0..15 {
        made.extend(run_and_kill(
            directory.path(),
            3,
            Duration::from_micros(round * 1_700),
        ));
        let ledger = open(directory.path()).unwrap();
        for (number, block, transaction) in &made {
            let found = ledger
                .header(*number)
                .unwrap()
                .unwrap_or_else(|| panic!("round {round}: lost block {number}"));
            assert_eq!(found.hash.to_string(), *block);
            let receipts = ledger.receipt(parse_hash(transaction)).unwrap();
            assert_eq!(receipts.unwrap().number, *number);
        }
        let head = ledger.head().unwrap();
        assert_eq!(ledger.ancestor(&head, head.number).unwrap().number, 0);
    }
    assert!(made.len() >= 45);
}

#[test]
fn kills_while_founding_leave_nothing_or_a_chain() {
    for round in 0..12 {
        let directory = tempfile::tempdir().unwrap();
        run_and_kill(directory.path(), 0, Duration::from_millis(round * 2));
        let ledger = open(directory.path()).unwrap();
        ledger.seal_block().unwrap();
    }
}

fn parse_hash(hex: &str) -> Hash {
    let bytes = hex::decode(hex.trim_start_matches("0x")).unwrap();
    Hash::new(bytes.try_into().unwrap())
}
