//! What can be seen only from inside: full disks, limits, idle chains, seals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;

use super::*;
use crate::{AccessToken, Account, Sender, Transaction};

fn manual() -> Config {
    Config {
        sealing: Sealing::Manual,
        ..Config::default()
    }
}

fn signed(account: &Account, nonce: u64, gas_limit: u64) -> Vec<u8> {
    account.sign(&Transaction {
        chain_id: Config::default().chain_id,
        nonce,
        to: Some(Address::new([1; 20])),
        data: Vec::new(),
        gas_limit,
        gas_price: 0,
    })
}

/// A disk that can be full.
#[derive(Clone, Debug)]
struct Disk {
    memory: Arc<redb::backends::InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> std::io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.check()?;
        self.memory.set_len(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.check()?;
        self.memory.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check()?;
        self.memory.write(offset, data)
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let disk = Disk {
        memory: Arc::default(),
        full: Arc::default(),
    };
    let account = Account::generate().unwrap();
    let head = {
        let ledger = EmbeddedLedger::with_backend(disk.clone(), &manual()).unwrap();
        ledger.send(&signed(&account, 0, 30_000)).unwrap();
        let head = ledger.seal_block().unwrap();
        let waiting = ledger.send(&signed(&account, 1, 30_000)).unwrap();
        disk.full.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            assert!(matches!(ledger.seal_block(), Err(LedgerError::Storage(_))));
            assert_eq!(ledger.head().unwrap(), head);
            assert_eq!(
                ledger
                    .storage_at(account.address(), [0; 32], head.hash)
                    .unwrap(),
                [0; 32]
            );
            assert_eq!(
                ledger.nonce(account.address()).unwrap(),
                2,
                "it still waits"
            );
        }
        assert!(ledger.waiting(waiting.into()).is_some());
        // as soon as there is room again, it goes on
        disk.full.store(false, Ordering::Relaxed);
        let head = ledger.seal_block().unwrap();
        assert!(ledger.waiting(waiting.into()).is_none());
        head
    };
    let ledger = EmbeddedLedger::with_backend(disk, &manual()).unwrap();
    assert_eq!(ledger.head().unwrap(), head);
    ledger.send(&signed(&account, 2, 30_000)).unwrap();
    ledger.seal_block().unwrap();
    assert_eq!(ledger.nonce(account.address()).unwrap(), 3);
}

#[test]
fn blocks_are_half_full_and_the_pool_is_bounded() {
    let config = Config {
        gas_limit: 1_000_000,
        transaction_gas: 200_000,
        ..manual()
    };
    let ledger = EmbeddedLedger::in_memory(&config).unwrap();
    let account = Account::generate().unwrap();
    assert!(matches!(
        ledger.send(&signed(&account, 0, 200_001)),
        Err(LedgerError::Rejected(_))
    ));
    assert!(
        matches!(
            ledger.send(&signed(&account, 1, 30_000)),
            Err(LedgerError::Rejected(_))
        ),
        "a gap"
    );
    for nonce in 0..256 {
        ledger.send(&signed(&account, nonce, 30_000)).unwrap();
        ledger.send(&signed(&account, nonce, 30_000)).unwrap();
    }
    assert!(matches!(
        ledger.send(&signed(&account, 256, 30_000)),
        Err(LedgerError::Rejected(_))
    ));
    let block = ledger.seal_block().unwrap();
    let view = ledger.block(block.number).unwrap().unwrap().block;
    assert!(view.header.gas_used <= config.gas_limit / 2);
    // 21000 gas each; the last one must fit with its whole limit of 30000.
    assert_eq!(view.body.transactions.len(), 23);
    assert_eq!(view.header.base_fee_per_gas, Some(0));
    let parent = alloy_eips::eip1559::BaseFeeParams::ethereum();
    assert_eq!(
        view.header.next_block_base_fee(parent),
        Some(0),
        "the base fee must stay 0 under EIP-1559"
    );
    while !ledger.chain().pool.is_empty() {
        ledger.seal_block().unwrap();
    }
    assert_eq!(ledger.nonce(account.address()).unwrap(), 256);
}

#[test]
fn headers_are_sealed_and_chained() {
    let ledger = EmbeddedLedger::in_memory(&manual()).unwrap();
    let account = Account::generate().unwrap();
    for nonce in 0..3 {
        ledger.send(&signed(&account, nonce, 30_000)).unwrap();
        ledger.seal_block().unwrap();
    }
    let chain = ledger.chain();
    let genesis = chain.header(0).unwrap().unwrap().1;
    assert_eq!(
        clique::genesis_signer(&genesis),
        Some(chain.sealer_address())
    );
    for number in 1..=3 {
        let (hash, header) = chain.header(number).unwrap().unwrap();
        assert_eq!(
            header.parent_hash,
            chain.header(number - 1).unwrap().unwrap().0
        );
        assert_eq!(clique::signer(&header), Some(chain.sealer_address()));
        let mut forged = header.clone();
        forged.gas_used += 1;
        assert_ne!(clique::signer(&forged), Some(chain.sealer_address()));
        assert_ne!(forged.hash_slow(), hash);
    }
}

#[test]
fn the_state_can_be_read_256_blocks_back_and_no_further() {
    let ledger = EmbeddedLedger::in_memory(&manual()).unwrap();
    let owner = Account::generate().unwrap();
    let early = ledger.seal_block().unwrap();
    let contract = std::thread::scope(|scope| {
        let deploying = scope
            .spawn(|| AccessToken::deploy(&Sender::new(&ledger, &owner), owner.address()).unwrap());
        while !deploying.is_finished() {
            if !ledger.chain().pool.is_empty() {
                ledger.seal_block().unwrap();
            }
        }
        deploying.join().unwrap()
    });
    let deployed = ledger.head().unwrap();
    while ledger.head().unwrap().number < early.number + 255 {
        ledger.seal_block().unwrap();
    }
    contract.check_code(&ledger, deployed.hash).unwrap();
    assert!(matches!(
        contract.check_code(&ledger, early.hash),
        Err(LedgerError::WrongCode { .. })
    ));
    ledger.seal_block().unwrap();
    assert!(matches!(
        contract.check_code(&ledger, early.hash),
        Err(LedgerError::UnknownBlock(_))
    ));
    contract.check_code(&ledger, deployed.hash).unwrap();
}

/// Looking back at any recent block shows the state that its header commits to.
fn check_history(ledger: &EmbeddedLedger, account: Address) {
    let chain = ledger.chain();
    for number in 0..=chain.head().1.number {
        let (hash, header) = chain.header(number).unwrap().unwrap();
        let view = chain.view(hash).unwrap();
        assert_eq!(
            view.account_trie().root(),
            header.state_root,
            "block {number}"
        );
        let address = crate::convert::to_alloy(account);
        let expected = view
            .account(address)
            .map_or(alloy_trie::EMPTY_ROOT_HASH, |account| account.storage_root);
        assert_eq!(
            view.storage_trie(address).root(),
            expected,
            "block {number}"
        );
    }
}

/// Init code of a contract that sets slot 1 to 7 when called without data, and destroys itself when called with data.
const MORTAL: [u8; 24] = [
    0x60, 13, 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3, // return the 13 bytes that follow
    0x36, 0x60, 10, 0x57, 0x60, 7, 0x60, 1, 0x55, 0x00, 0x5b, 0x33, 0xff,
];

#[test]
fn a_destroyed_contract_stays_visible_in_the_past() {
    let disk = Disk {
        memory: Arc::default(),
        full: Arc::default(),
    };
    let account = Account::generate().unwrap();
    let (contract, slot) = {
        let ledger = EmbeddedLedger::with_backend(disk.clone(), &manual()).unwrap();
        let send = |to, data: &[u8]| {
            let nonce = ledger.nonce(account.address()).unwrap();
            let chain_id = ledger.chain_id().unwrap();
            let data = data.to_vec();
            let raw = account.sign(&Transaction {
                chain_id,
                nonce,
                to,
                data,
                gas_limit: 200_000,
                gas_price: 0,
            });
            ledger.send(&raw).unwrap()
        };
        let deployed = send(None, &MORTAL);
        ledger.seal_block().unwrap();
        let contract = ledger.receipt(deployed).unwrap().unwrap().contract.unwrap();
        let mut slot = [0; 32];
        slot[31] = 1;
        send(Some(contract), &[]);
        let alive = ledger.seal_block().unwrap();
        // Written and destroyed in one block.
        send(Some(contract), &[]);
        send(Some(contract), &[1]);
        let dead = ledger.seal_block().unwrap();
        assert_eq!(
            ledger.storage_at(contract, slot, alive.hash).unwrap()[31],
            7
        );
        assert_eq!(
            ledger.storage_at(contract, slot, dead.hash).unwrap(),
            [0; 32]
        );
        assert_ne!(
            ledger.code_hash(contract, alive.hash).unwrap(),
            crate::Hash::default()
        );
        assert_eq!(
            ledger.code_hash(contract, dead.hash).unwrap(),
            crate::Hash::default()
        );
        check_history(&ledger, contract);
        (contract, slot)
    };
    let ledger = EmbeddedLedger::with_backend(disk, &manual()).unwrap();
    check_history(&ledger, contract);
    let alive = ledger.header(2).unwrap().unwrap();
    assert_eq!(
        ledger.storage_at(contract, slot, alive.hash).unwrap()[31],
        7
    );
}

#[test]
fn an_idle_chain_confirms_and_then_rests() {
    let sealing = Sealing::Clock {
        block_time: Duration::from_millis(10),
        idle_blocks: 5,
        heartbeat: Duration::from_millis(400),
    };
    let ledger = EmbeddedLedger::in_memory(&Config {
        sealing,
        ..Config::default()
    })
    .unwrap();
    let height = || ledger.head().unwrap().number;
    let reach = |number| {
        let start = Instant::now();
        while height() < number {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "no block {number}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    reach(5);
    let account = Account::generate().unwrap();
    let transaction = ledger.send(&signed(&account, 0, 30_000)).unwrap();
    let receipt = ledger
        .wait_confirmed(transaction, 5, Duration::from_secs(20))
        .unwrap();
    reach(receipt.number + 5);
    let rest = height();
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        height() <= rest + 3,
        "an idle chain must not grow at full pace"
    );
    reach(rest + 1);
}
