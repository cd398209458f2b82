//! Functions of the C interface in any order, on live, wiped and zeroed objects, with null pointers and small buffers: none writes
//! where it may not, none that fails leaves a trace, and what is wiped is gone.
//!
//! Each call takes a byte for the function and some for its arguments.
#![no_main]

use iotchain_ffi::*;
use iotchain_fuzz::calls::{Call, Script, counting, messages};
use libfuzzer_sys::fuzz_target;

/// `functions![iotchain_a(_, _), ..]`: each as something to call.
macro_rules! functions {
    ($($name:ident($($argument:tt),*)),* $(,)?) => {
        &[$(&($name as unsafe extern "C" fn($($argument),*) -> _)),*]
    };
}

/// Functions whose input may lie in the buffer that they write to, and those that refuse that.
const IN_PLACE: &[&dyn Call] = functions![
    iotchain_member_open_command(_, _, _, _, _, _, _, _, _, _),
    iotchain_member_open_reply(_, _, _, _, _, _, _, _, _, _, _, _),
    iotchain_member_open_request(_, _, _, _, _, _, _, _, _, _, _),
    iotchain_member_open_response(_, _, _, _, _, _, _, _, _, _, _, _),
    iotchain_member_open_stored(_, _, _, _, _, _, _, _, _, _),
    iotchain_object_compact(_, _, _, _, _, _),
    iotchain_object_expand(_, _, _, _, _, _),
    iotchain_reply_seal(_, _, _, _, _, _, _, _, _),
    iotchain_sender_seal_request(_, _, _, _, _, _, _, _, _, _, _, _, _),
    iotchain_sender_seal_response(_, _, _, _, _, _, _, _, _, _, _),
    iotchain_sender_seal_signed(_, _, _, _, _, _, _, _, _, _, _),
];

/// All others but those that end an object or keep memory of the caller, which have their own places below.
const FUNCTIONS: &[&dyn Call] = functions![
    iotchain_abi_version(),
    iotchain_access_response_key(_, _, _, _),
    iotchain_beacon_session(_, _, _),
    iotchain_block_init(_, _, _, _),
    iotchain_block_parent(_, _, _),
    iotchain_block_read(_, _, _, _),
    iotchain_block_sealed_child(_, _, _, _, _),
    iotchain_block_size(),
    iotchain_boot_count(_, _),
    iotchain_clients_challenge(_, _, _, _, _),
    iotchain_clients_init(_, _, _, _),
    iotchain_clients_retire(_, _, _),
    iotchain_clients_size(),
    iotchain_commands_init(_, _),
    iotchain_commands_size(),
    iotchain_cwt_verify(_, _, _, _, _, _, _),
    iotchain_event_finish(_, _, _, _),
    iotchain_event_push(_, _, _),
    iotchain_event_size(),
    iotchain_event_start(_, _, _),
    iotchain_exchange_begin(_, _, _),
    iotchain_exchange_init(_, _, _),
    iotchain_exchange_size(),
    iotchain_join_request_encode(_, _, _, _, _, _, _),
    iotchain_join_response_access_key(_, _, _, _),
    iotchain_join_response_broadcast(_, _, _, _),
    iotchain_join_response_info(_, _),
    iotchain_join_response_server_secret(_, _),
    iotchain_join_response_size(),
    iotchain_join_response_verify(_, _, _, _, _, _),
    iotchain_member_announce(_, _),
    iotchain_member_forget(_, _, _),
    iotchain_member_gid(_, _),
    iotchain_member_key(_, _, _),
    iotchain_member_learn(_, _, _, _, _),
    iotchain_member_mark(_, _),
    iotchain_member_may_open(_, _, _),
    iotchain_member_personal_key(_, _, _, _, _),
    iotchain_member_receive(_, _, _, _, _),
    iotchain_member_retire(_),
    iotchain_member_set_policy(_, _),
    iotchain_member_sid(_, _, _, _),
    iotchain_member_size(),
    iotchain_member_sleep(_, _, _, _, _, _),
    iotchain_member_status(_, _, _),
    iotchain_member_times(_, _, _, _),
    iotchain_num_parse(_, _, _),
    iotchain_pair_request_origin(_, _),
    iotchain_pair_request_parse(_, _, _, _),
    iotchain_pair_request_size(),
    iotchain_pop_digest(_, _),
    iotchain_pop_sign_client(_, _, _),
    iotchain_pop_sign_server(_, _, _),
    iotchain_problem_parse(_, _, _),
    iotchain_proof_push(_, _, _),
    iotchain_proof_size(),
    iotchain_proof_start(_, _, _),
    iotchain_proof_validate(_, _, _, _, _, _, _),
    iotchain_proof_words(_, _, _),
    iotchain_proxy_check(_, _, _, _, _, _, _, _),
    iotchain_proxy_contradiction(_, _, _, _, _, _, _, _, _),
    iotchain_proxy_forget(_, _, _),
    iotchain_proxy_init(_, _, _),
    iotchain_proxy_learn(_, _, _, _, _),
    iotchain_proxy_size(),
    iotchain_public_key_address(_, _),
    iotchain_reply_size(),
    iotchain_sealer_init(_, _),
    iotchain_sender_checkpoint_due(_, _),
    iotchain_sender_checkpoint_stored(_, _),
    iotchain_sender_enter(_, _, _, _),
    iotchain_sender_init_assigned(_, _, _, _, _),
    iotchain_sender_init_counted(_, _, _, _, _),
    iotchain_sender_init_persisted(_, _, _, _, _),
    iotchain_sender_init_random(_, _, _, _),
    iotchain_sender_origin(_, _),
    iotchain_sender_set_max_object(_, _),
    iotchain_sender_size(),
    iotchain_signing_key_export(_, _),
    iotchain_signing_key_generate(_, _, _),
    iotchain_signing_key_init(_, _, _),
    iotchain_signing_key_signer(_, _),
    iotchain_signing_key_size(),
    iotchain_stored_export(_, _, _, _),
    iotchain_stored_iat(_, _),
    iotchain_stored_import(_, _, _, _),
    iotchain_stored_init(_),
    iotchain_stored_size(),
    iotchain_strerror(_),
    iotchain_transfer_request_encode(_, _, _, _),
    iotchain_transfer_response_parse(_, _, _),
];

/// Ends an object of each type, and sees that nothing of it is left.
macro_rules! wipe {
    ($script:ident: $($wipe:ident(_)),* $(,)?) => {{
        let which = usize::from($script.byte());
        $(
            let at = $script.object(which);
            // SAFETY: an object that is zeroed or set up.
            unsafe { $wipe(at) };
            assert!(is_vacant($script, at, which));
        )*
    }};
}

fn is_vacant<T: 'static>(script: &mut Script<'_>, _: *mut T, which: usize) -> bool {
    script.is_vacant::<T>(which)
}

fn wipe_all(script: &mut Script<'_>) {
    wipe!(script:
        iotchain_block_wipe(_),
        iotchain_clients_wipe(_),
        iotchain_commands_wipe(_),
        iotchain_event_wipe(_),
        iotchain_exchange_wipe(_),
        iotchain_join_response_wipe(_),
        iotchain_member_wipe(_),
        iotchain_pair_request_wipe(_),
        iotchain_proof_wipe(_),
        iotchain_proxy_wipe(_),
        iotchain_reply_wipe(_),
        iotchain_sender_wipe(_),
        iotchain_signing_key_wipe(_),
        iotchain_stored_wipe(_),
    );
}

/// A member by the join of the vectors, whose messages the scripts hold.
fn join(script: &mut Script<'_>) {
    let which = script.byte().into();
    let cnonce = hex::decode("b86b2131b0d430ff").expect("hex");
    let key_server = "ec303190f2892704b5728c63dea40c9d652aa4c86b1a5ccf398faa30192c9957";
    let key_server = hex::decode(key_server).expect("hex");
    let response = script.object::<iotchain_join_response>(which);
    let member = script.object::<iotchain_member>(which);
    let (storage, cap) = script.storage();
    // those to clients and the one to the resource server begin alike
    for message in messages().iter().filter(|message| message.len() > 400) {
        // SAFETY: objects of the script, and messages that outlive them.
        unsafe {
            let verified = iotchain_join_response_verify(
                response,
                message.as_ptr(),
                message.len(),
                cnonce.as_ptr(),
                cnonce.len(),
                key_server.as_ptr(),
            );
            if verified == iotchain_err::Ok {
                script.inspect(Some(verified));
                iotchain_member_wipe(member);
                let member = script.object::<iotchain_member>(which);
                script.inspect(Some(iotchain_member_join(
                    member, response, storage, cap, 0,
                )));
                return;
            }
        }
    }
    unreachable!("no join response in the vectors");
}

/// A member that knows its session, a sender that may seal in it, and the clients of a server.
fn boot(script: &mut Script<'_>) {
    let which = script.byte().into();
    let response = script.object::<iotchain_join_response>(which);
    let member = script.object::<iotchain_member>(which);
    let sender = script.object::<iotchain_sender>(which);
    let clients = script.object::<iotchain_clients>(which);
    let mut info = std::mem::MaybeUninit::uninit();
    let mut received = std::mem::MaybeUninit::uninit();
    let rng = iotchain_rng {
        fill: Some(counting),
        ctx: std::ptr::null_mut(),
    };
    // SAFETY: objects of the script, places of this frame, and messages that outlive them.
    unsafe {
        if iotchain_join_response_info(response, info.as_mut_ptr()) != iotchain_err::Ok {
            return script.inspect(None);
        }
        let now = info.assume_init().key_server_time;
        for index in 0..2 {
            let (mut at, mut len) = (std::ptr::null(), 0);
            let _ = iotchain_join_response_broadcast(response, index, &mut at, &mut len);
            let _ = iotchain_member_receive(member, at, len, now, received.as_mut_ptr());
        }
        let mut secret = [0; 32];
        let _ = iotchain_join_response_server_secret(response, secret.as_mut_ptr());
        let _ = iotchain_clients_init(clients, secret.as_ptr(), &rng, 0);
        iotchain_sender_wipe(sender);
        let _ = iotchain_sender_init_random(sender, member, &rng, 0);
        let _ = iotchain_sender_enter(sender, member, now, std::ptr::null_mut());
    }
    script.inspect(None);
}

/// The personal key of the next epoch, or of the same one again.
fn renew(script: &mut Script<'_>) {
    let which = script.byte().into();
    let response = script.object::<iotchain_join_response>(which);
    let member = script.object::<iotchain_member>(which);
    let (storage, cap) = script.storage();
    let mut prepared = 0;
    // SAFETY: objects of the script, and storage that no other call gets.
    let result = unsafe { iotchain_member_renew(member, response, storage, cap, &mut prepared) };
    script.inspect(Some(result));
}

/// A member sleeps, and wakes unless a bit of its state fell over.
fn nap(script: &mut Script<'_>) {
    let (which, flip) = (script.byte().into(), usize::from(script.byte()));
    let member = script.object::<iotchain_member>(which);
    let rng = iotchain_rng {
        fill: Some(counting),
        ctx: std::ptr::null_mut(),
    };
    let (key, mut sealed, mut len) = ([7; 16], [0; IOTCHAIN_MEMBER_STATE_MAX], 0);
    let (mut keys, mut lens) = ([(std::ptr::null_mut(), 0); 2], [0; 2]);
    // SAFETY: an object of the script, arrays of this frame, and storage that no other call gets.
    unsafe {
        let (out, cap) = (sealed.as_mut_ptr(), sealed.len());
        let result = iotchain_member_sleep(member, key.as_ptr(), &rng, out, cap, &mut len);
        if result != iotchain_err::Ok {
            return script.inspect(Some(result));
        }
        for (index, (key, len)) in keys.iter_mut().zip(&mut lens).enumerate() {
            *key = script.storage();
            let _ = iotchain_member_personal_key(member, index, key.0, key.1, len);
        }
        iotchain_member_wipe(member);
        let [(own, _), (other, _)] = keys;
        let other = if lens[1] == 0 {
            std::ptr::null_mut()
        } else {
            other
        };
        if flip != 0 {
            sealed[flip % len] ^= 1;
        }
        let (state, none) = (sealed.as_mut_ptr(), std::ptr::null());
        let woken = iotchain_member_wake(
            member,
            own,
            lens[0],
            other,
            lens[1],
            key.as_ptr(),
            state,
            len,
            none,
        );
        // without storage there was no personal key
        assert!((woken == iotchain_err::Ok) == (flip == 0) || own.is_null() || other.is_null());
    }
    script.inspect(None);
}

fuzz_target!(|data: &[u8]| {
    let mut script = Script::new(data);
    while !script.is_over() {
        match usize::from(script.byte()) {
            255 => wipe_all(&mut script),
            254 => join(&mut script),
            253 => renew(&mut script),
            252 => nap(&mut script),
            251 => boot(&mut script),
            function @ 200.. => script.call_in_place(IN_PLACE[function % IN_PLACE.len()]),
            function => FUNCTIONS[function % FUNCTIONS.len()].call(&mut script),
        }
    }
    // of both objects of each type
    for which in [&[0; 2], &[1; 2]] {
        script.restart(which);
        wipe_all(&mut script);
    }
});
