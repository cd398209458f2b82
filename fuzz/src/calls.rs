//! Calls of C functions with arguments that a byte string chooses: null, too short, wiped, live, and right.
//!
//! After each call everything that it might have written is looked at: a failure leaves all as it was, and nothing lies behind the
//! end of a buffer.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use iotchain_ffi::*;

/// What lies in memory that nobody wrote to.
const UNTOUCHED: u64 = 0xa5a5_a5a5_a5a5_a5a5;
/// Words of one output: more than any structure has.
const WORDS: usize = 160;
/// Bytes behind every pointer of an input, and the longest output buffer that a call is told of.
const ROOM: usize = 256;
/// How many results of earlier calls are kept to be inputs of later ones.
const PRODUCED: usize = 8;

/// An output of the call that is being prepared.
struct Output {
    words: Box<[u64; WORDS]>,
    /// What stood there before the call.
    before: Vec<u8>,
    /// How many of its bytes may be written.
    allowed: usize,
    is_buffer: bool,
}

impl Output {
    fn bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect()
    }
}

/// Objects, each in storage that is zeroed or set up, and what chooses the next argument.
pub struct Script<'a> {
    bytes: &'a [u8],
    objects: BTreeMap<TypeId, [Box<[u64]>; 2]>,
    /// What members keep their personal keys in.
    storage: Vec<Box<[u8; 4096]>>,
    outputs: Vec<Output>,
    /// An input that lies in the output buffer to come.
    within: Option<Box<[u64; WORDS]>>,
    /// Whether the next call allows that.
    in_place: bool,
    /// What earlier calls wrote, and its length; padded like messages.
    produced: Vec<(Box<[u8]>, usize)>,
    /// Zeroed objects of the call, which stay zeroed if it fails.
    vacant: Vec<(*const u64, usize)>,
    /// Structures that the call reads.
    kept: Vec<Box<dyn Any>>,
    /// What the pointer drawn last leads to, if a length may come next.
    behind: Option<Behind>,
}

enum Behind {
    Input(usize),
    Output,
    Nothing,
}

/// Messages of the vector files, as long as a device would take them.
pub fn messages() -> &'static [Vec<u8>] {
    static MESSAGES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let texts = [
            include_str!("../../vectors/keyserver.json"),
            include_str!("../../vectors/pop.json"),
            include_str!("../../vectors/token-proof.json"),
        ];
        let strings = texts.iter().flat_map(|text| text.split('"'));
        let mut messages: Vec<Vec<u8>> =
            strings.filter_map(|text| hex::decode(text).ok()).collect();
        messages.retain(|message| (8..4096).contains(&message.len()));
        messages.push(vec![0; ROOM]);
        messages
    })
}

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            objects: BTreeMap::new(),
            storage: Vec::new(),
            outputs: Vec::new(),
            within: None,
            in_place: false,
            produced: Vec::new(),
            vacant: Vec::new(),
            kept: Vec::new(),
            behind: None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// One of two objects of a type.
    pub fn object<T: 'static>(&mut self, which: usize) -> *mut T {
        let words = size_of::<T>() / size_of::<u64>();
        let of_type = self
            .objects
            .entry(TypeId::of::<T>())
            .or_insert_with(|| [(); 2].map(|()| vec![0; words].into_boxed_slice()));
        let object = &mut of_type[which % 2];
        if object.iter().all(|word| *word == 0) {
            self.vacant.push((object.as_ptr(), words));
        }
        object.as_mut_ptr().cast()
    }

    /// An object, or null.
    fn any_object<T: 'static>(&mut self) -> *mut T {
        match self.byte() {
            255 => std::ptr::null_mut(),
            which => self.object(which.into()),
        }
    }

    /// Room for a result of `allowed` bytes, or null.
    fn output<T>(&mut self, allowed: usize) -> *mut T {
        if self.byte() == 255 {
            return std::ptr::null_mut();
        }
        self.outputs.push(Output {
            words: Box::new([UNTOUCHED; WORDS]),
            before: Vec::new(),
            allowed,
            is_buffer: false,
        });
        let last = self.outputs.last_mut().expect("was pushed");
        last.before = last.bytes();
        last.words.as_mut_ptr().cast()
    }

    /// A buffer, in which the last input may lie, or null.
    fn buffer(&mut self) -> *mut u8 {
        let within = self.within.take();
        let at: *mut u8 = self.output(ROOM);
        if at.is_null() {
            // the input needs a place all the same
            self.kept.extend(within.map(|words| words as Box<dyn Any>));
            return at;
        }
        let last = self.outputs.last_mut().expect("was pushed");
        last.is_buffer = true;
        if let Some(words) = within {
            last.words = words;
            last.before = last.bytes();
        }
        last.words.as_mut_ptr().cast()
    }

    /// A message of the vectors, or null. Wherever it is, `ROOM` bytes can be read.
    fn input(&mut self) -> *const u8 {
        // only the input right before a buffer may lie in it
        let earlier = self.within.take();
        self.kept.extend(earlier.map(|words| words as Box<dyn Any>));
        let choice = usize::from(self.byte());
        if choice == 255 {
            self.behind = Some(Behind::Nothing);
            return std::ptr::null();
        }
        static PADDED: OnceLock<Vec<(Vec<u8>, usize)>> = OnceLock::new();
        let padded = PADDED.get_or_init(|| {
            let pad = |message: &Vec<u8>| {
                let mut padded = message.clone();
                padded.resize(message.len().max(ROOM), 0);
                (padded, message.len())
            };
            messages().iter().map(pad).collect()
        });
        let (message, len) = match choice.checked_sub(200) {
            Some(place) if !self.produced.is_empty() => {
                let (bytes, len) = &self.produced[place % self.produced.len()];
                (&**bytes, *len)
            }
            _ => {
                let (message, len) = &padded[choice % padded.len()];
                (&**message, *len)
            }
        };
        self.behind = Some(Behind::Input(len));
        if !self.in_place || choice % 8 != 7 || len > ROOM {
            return message.as_ptr();
        }
        // in the buffer that comes next, or apart if none does
        let offset = choice / 8;
        let mut words = Box::new([UNTOUCHED; WORDS]);
        let at = words.as_mut_ptr().cast::<u8>().wrapping_add(offset);
        // SAFETY: `ROOM` bytes from there are within the words.
        unsafe { at.copy_from_nonoverlapping(message.as_ptr(), ROOM) };
        self.within = Some(words);
        at
    }

    /// A length for the pointer before it, or a small number.
    fn length(&mut self) -> usize {
        let choice = self.byte();
        // most often all of it
        let part = |len: usize| match choice.checked_sub(192) {
            None => len,
            Some(part) => len * usize::from(part) / 64,
        };
        match self.behind.take() {
            Some(Behind::Input(len)) => part(len),
            Some(Behind::Output) => {
                let len = part(ROOM);
                // the buffer is that long and no longer
                if let Some(output) = self.outputs.last_mut() {
                    output.allowed = len;
                }
                len
            }
            // a null pointer, with a length and without
            Some(Behind::Nothing) => usize::from(choice % 2),
            None => usize::from(choice % 5),
        }
    }

    /// A structure that lives until the call is over, or null.
    fn keep<T: 'static>(&mut self, make: impl FnOnce(&mut Self) -> T) -> *const T {
        self.behind = None;
        if self.byte() == 255 {
            return std::ptr::null();
        }
        let value = Box::new(make(self));
        let at = &raw const *value;
        self.kept.push(value);
        self.behind = None;
        at
    }

    /// Storage that no other call gets, and its length; null when there was enough of it.
    pub fn storage(&mut self) -> (*mut u8, usize) {
        if self.storage.len() == 8 {
            return (std::ptr::null_mut(), 0);
        }
        self.storage.push(Box::new([0; 4096]));
        let last = self.storage.last_mut().expect("was pushed");
        (last.as_mut_ptr(), last.len())
    }

    /// Calls a function whose input may lie in the buffer that it writes to.
    pub fn call_in_place(&mut self, function: &dyn Call) {
        self.in_place = true;
        function.call(self);
        self.in_place = false;
    }

    /// Goes on with other bytes.
    pub fn restart(&mut self, bytes: &'a [u8]) {
        self.bytes = bytes;
    }

    /// Looks at what the call has done.
    ///
    /// # Panics
    /// If it wrote what it may not.
    pub fn inspect(&mut self, result: Option<iotchain_err>) {
        let succeeded = result.is_none_or(|result| result == iotchain_err::Ok);
        let mut buffer = None;
        for output in self.outputs.drain(..) {
            let bytes = output.bytes();
            let (inside, behind) = bytes.split_at(output.allowed);
            let (before, behind_before) = output.before.split_at(output.allowed);
            assert_eq!(behind, behind_before, "written behind the end");
            // a length that is too small is told, a plaintext that was begun is wiped, and an object it lay in may be gone
            let mut pairs = inside.iter().zip(before);
            let wiped = pairs.all(|(byte, before)| *byte == 0 || byte == before);
            let is_length = output.allowed == size_of::<usize>();
            let told = result == Some(iotchain_err::Buffer) && is_length;
            let opened = result == Some(iotchain_err::Aead) || result == Some(iotchain_err::Sig);
            let opened = opened && output.is_buffer && output.before.contains(&0);
            assert!(
                succeeded || wiped || told || opened,
                "{result:?} wrote {inside:02x?}"
            );
            if output.is_buffer {
                buffer = Some(inside.to_vec());
            } else if let Some(mut made) = buffer.take().filter(|_| succeeded && is_length) {
                let len = usize::from_ne_bytes(inside.try_into().expect("a length"));
                if len <= made.len() {
                    made.resize(made.len().max(ROOM), 0);
                    self.produced.push((made.into_boxed_slice(), len));
                }
            }
        }
        let many = self.produced.len().saturating_sub(PRODUCED);
        self.produced.drain(..many);
        self.within = None;
        for (words, count) in self.vacant.drain(..) {
            // SAFETY: an object of this script, which are never freed before it.
            let words = unsafe { std::slice::from_raw_parts(words, count) };
            let vacant = words.iter().all(|word| *word == 0);
            assert!(
                succeeded || vacant,
                "{result:?} left something in an object"
            );
        }
        self.kept.clear();
        self.behind = None;
    }

    /// Whether nothing is left in an object.
    pub fn is_vacant<T: 'static>(&mut self, which: usize) -> bool {
        let words = size_of::<T>() / size_of::<u64>();
        let at = self.object::<T>(which).cast::<u64>();
        self.vacant.clear();
        // SAFETY: an object of this script.
        unsafe { std::slice::from_raw_parts(at, words) }
            .iter()
            .all(|word| *word == 0)
    }
}

/// An argument that a script can choose.
pub trait Draw {
    fn draw(script: &mut Script<'_>) -> Self;
}

impl Draw for *const u8 {
    fn draw(script: &mut Script<'_>) -> Self {
        script.input()
    }
}

impl Draw for *mut u8 {
    fn draw(script: &mut Script<'_>) -> Self {
        let at: Self = script.buffer();
        let is_null = at.is_null();
        script.behind = Some(if is_null {
            Behind::Nothing
        } else {
            Behind::Output
        });
        at
    }
}

impl Draw for usize {
    fn draw(script: &mut Script<'_>) -> Self {
        script.length()
    }
}

impl Draw for u64 {
    fn draw(script: &mut Script<'_>) -> Self {
        match script.byte() {
            0 => 0,
            255 => Self::MAX,
            // around the time of the vectors
            near => 1_767_225_600 + u64::from(near) * 60,
        }
    }
}

impl Draw for u32 {
    fn draw(script: &mut Script<'_>) -> Self {
        script.byte().into()
    }
}

impl Draw for i32 {
    fn draw(script: &mut Script<'_>) -> Self {
        match script.byte() {
            0 => IOTCHAIN_ESP256,
            1 => IOTCHAIN_AES_CCM_16_64_128,
            2 => IOTCHAIN_AES_CCM_16_128_128,
            3 => IOTCHAIN_REPRESENTATION,
            4 => IOTCHAIN_COMMAND,
            5 => IOTCHAIN_NO_CONTENT_FORMAT,
            255 => Self::MIN,
            _ => IOTCHAIN_ES256K,
        }
    }
}

impl Draw for u8 {
    fn draw(script: &mut Script<'_>) -> Self {
        script.byte()
    }
}

impl Draw for iotchain_reserve {
    fn draw(script: &mut Script<'_>) -> Self {
        let (every, pending) = (Draw::draw(script), Draw::draw(script));
        Self { every, pending }
    }
}

/// What a function returns.
pub trait Returned {
    fn result(&self) -> Option<iotchain_err>;
}

impl Returned for iotchain_err {
    fn result(&self) -> Option<iotchain_err> {
        Some(*self)
    }
}

macro_rules! no_result {
    ($($type:ty),*) => { $(impl Returned for $type {
        fn result(&self) -> Option<iotchain_err> {
            None
        }
    })* };
}
no_result!((), usize, u32, *const c_char);

/// A function of the interface.
pub trait Call {
    fn call(&self, script: &mut Script<'_>);
}

macro_rules! callable {
    ($($argument:ident)*) => {
        impl<$($argument: Draw,)* R: Returned> Call for unsafe extern "C" fn($($argument),*) -> R {
            #[allow(non_snake_case)]
            fn call(&self, script: &mut Script<'_>) {
                $(let $argument = $argument::draw(script);)*
                // SAFETY: pointers are null or lead to what the function is told that they lead to.
                let returned = unsafe { self($($argument),*) };
                script.inspect(returned.result());
            }
        }
    };
}
callable!();
callable!(A);
callable!(A B);
callable!(A B C);
callable!(A B C D);
callable!(A B C D E);
callable!(A B C D E F);
callable!(A B C D E F G);
callable!(A B C D E F G H);
callable!(A B C D E F G H I);
callable!(A B C D E F G H I J);
callable!(A B C D E F G H I J K);
callable!(A B C D E F G H I J K L);
callable!(A B C D E F G H I J K L M);

/// Structures that are objects.
macro_rules! objects {
    ($($type:ty),* $(,)?) => { $(
        impl Draw for *mut $type {
            fn draw(script: &mut Script<'_>) -> Self {
                script.behind = None;
                script.any_object()
            }
        }

        impl Draw for *const $type {
            fn draw(script: &mut Script<'_>) -> Self {
                script.behind = None;
                script.any_object::<$type>().cast_const()
            }
        }
    )* };
}
objects!(
    iotchain_block,
    iotchain_clients,
    iotchain_commands,
    iotchain_event,
    iotchain_exchange,
    iotchain_join_response,
    iotchain_member,
    iotchain_pair_request,
    iotchain_proof,
    iotchain_proxy,
    iotchain_reply,
    iotchain_sender,
    iotchain_signing_key,
    iotchain_stored,
);

/// Structures and numbers that are written.
macro_rules! outputs {
    ($($type:ty),* $(,)?) => { $(
        impl Draw for *mut $type {
            fn draw(script: &mut Script<'_>) -> Self {
                script.behind = None;
                script.output(size_of::<$type>())
            }
        }
    )* };
}
outputs!(
    i32,
    u32,
    u64,
    usize,
    *const u8,
    iotchain_checkpoint,
    iotchain_cwt_grant,
    iotchain_grant,
    iotchain_join_info,
    iotchain_mark,
    iotchain_opened,
    iotchain_origin,
    iotchain_problem,
    iotchain_received,
    iotchain_signer,
    iotchain_status,
    iotchain_transfer_response,
    iotchain_verified,
);

impl Draw for *mut iotchain_sealer {
    fn draw(script: &mut Script<'_>) -> Self {
        script.behind = None;
        // as many as `length` may say
        script.output(4 * size_of::<iotchain_sealer>())
    }
}

/// Structures that are read.
macro_rules! inputs {
    ($($type:ty: $make:expr),* $(,)?) => { $(
        impl Draw for *const $type {
            fn draw(script: &mut Script<'_>) -> Self {
                script.keep::<$type>($make)
            }
        }
    )* };
}
inputs!(
    iotchain_checkpoint: |script| iotchain_checkpoint {
        session: Draw::draw(script),
        piv: Draw::draw(script),
    },
    iotchain_proxy_group: |script| iotchain_proxy_group {
        gid: Draw::draw(script),
        aead: Draw::draw(script),
        sign: Draw::draw(script),
        sid_len: Draw::draw(script),
    },
    iotchain_request: |script| iotchain_request {
        method: script.byte() % 8,
        every_echo: script.byte() % 2,
        echo: Draw::draw(script),
        echo_len: Draw::draw(script),
        endpoint: Draw::draw(script),
        endpoint_len: Draw::draw(script),
        uptime: Draw::draw(script),
        now: Draw::draw(script),
    },
    iotchain_resource: |script| {
        let count = usize::from(script.byte() % 12);
        iotchain_resource {
            rs: Draw::draw(script),
            path: TEXTS.0.as_ptr(),
            path_count: count % 4,
            query: [TEXTS.0.as_ptr(), std::ptr::null()][count % 2],
            query_count: count / 4,
        }
    },
    iotchain_binding: |script| iotchain_binding { kind: script.byte() % 4, value: bytes(script) },
    iotchain_cwt_issuer: |script| iotchain_cwt_issuer {
        chain: 1337,
        contract: bytes(script),
        rs: bytes(script),
        id: bytes(script),
        key: key(script),
    },
    iotchain_mark: |script| iotchain_mark {
        epoch: Draw::draw(script),
        event: Draw::draw(script),
        session: Draw::draw(script),
    },
    iotchain_policy: |script| iotchain_policy {
        skew: Draw::draw(script),
        max_age: Draw::draw(script),
        max_object: Draw::draw(script),
    },
    iotchain_pop_input: |script| iotchain_pop_input {
        binding: Draw::draw(script),
        key_server: Draw::draw(script),
        token: Draw::draw(script),
        scope: Draw::draw(script),
        challenge: Draw::draw(script),
        cnonce: Draw::draw(script),
        cnonce_len: Draw::draw(script),
    },
    iotchain_public_key: key,
    iotchain_query: |script| iotchain_query {
        token: Draw::draw(script),
        rs: Draw::draw(script),
        scope: Draw::draw(script),
    },
    iotchain_rng: |script| iotchain_rng {
        fill: [Some(counting as _), Some(failing as _), None][usize::from(script.byte() % 3)],
        ctx: std::ptr::null_mut(),
    },
    iotchain_scope: |script| iotchain_scope {
        group: [
            c"0007.fa870181".as_ptr(),
            c"no group".as_ptr(),
            c"".as_ptr(),
            std::ptr::null(),
        ][usize::from(script.byte() % 4)],
        roles: script.byte(),
    },
    iotchain_signer: |script| {
        let which = script.byte().into();
        let at = script.object::<iotchain_signing_key>(which);
        let mut signer = iotchain_signer { key: key(script), sign: None, ctx: std::ptr::null_mut() };
        // SAFETY: an object of this script and a structure of this frame; without a key the signer stays as it is.
        unsafe { iotchain_signing_key_signer(at, &mut signer) };
        signer
    },
    iotchain_token_limits: |script| iotchain_token_limits {
        max_head_age: Draw::draw(script),
        leeway: Draw::draw(script),
        max_life: Draw::draw(script),
        confirmations: Draw::draw(script),
    },
    iotchain_token_place: |script| iotchain_token_place {
        token: Draw::draw(script),
        rs: Draw::draw(script),
        code_hash: Draw::draw(script),
    },
    iotchain_token_ref: |script| iotchain_token_ref {
        chain: Draw::draw(script),
        contract: bytes(script),
        client: bytes(script),
    },
    // as many as `length` may say
    [u16; 4]: |script| [0, 1, 7, script.byte().into()],
);

impl Draw for *const u16 {
    fn draw(script: &mut Script<'_>) -> Self {
        <*const [u16; 4]>::draw(script).cast()
    }
}

/// The last is no text at all.
struct Texts([*const c_char; 3]);
// SAFETY: literals, which nobody changes.
unsafe impl Sync for Texts {}
static TEXTS: Texts = Texts([c"temp".as_ptr(), c"\xff".as_ptr(), std::ptr::null()]);

fn bytes<const N: usize>(script: &mut Script<'_>) -> [u8; N] {
    let input = script.input();
    if input.is_null() {
        return [0; N];
    }
    // SAFETY: `N` is less than `ROOM`.
    unsafe { *input.cast() }
}

fn key(script: &mut Script<'_>) -> iotchain_public_key {
    iotchain_public_key {
        alg: Draw::draw(script),
        x: bytes(script),
        y: bytes(script),
    }
}

/// Counts.
///
/// # Safety
/// That of `iotchain_rng::fill`.
pub unsafe extern "C" fn counting(_: *mut c_void, out: *mut u8, len: usize) -> i32 {
    for place in 0..len {
        // SAFETY: the contract of `iotchain_rng::fill`.
        unsafe { out.add(place).write(place as u8 | 1) };
    }
    0
}

unsafe extern "C" fn failing(_: *mut c_void, _: *mut u8, _: usize) -> i32 {
    -1
}
