//! Logs: what is kept, what is confirmed when, and what whoever comes back is given.

use expect_test::expect;

use super::{check, check_shards};

#[test]
fn a_message_is_confirmed_and_heard_once_it_is_on_disk() {
    check(
        "ann opens
         ann subscribes log:1 #1
         disk holds
         ann publishes log:1 a #2
         ann publishes log:1 b #3
         disk takes 1
         disk moves",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after a0/0
            disk <- append log:1 1 a
            disk <- append log:1 2 b
            ann <- #2 published log:1 a0/1
            log:1 1 a from ann -> ann
            ann <- #3 published log:1 a0/2
            log:1 2 b from ann -> ann
        "#]],
    );
}

#[test]
fn where_that_is_enough_it_is_confirmed_at_once() {
    check(
        "ann opens
         ann subscribes quick:1 #1
         disk holds
         ann publishes quick:1 a #2
         disk moves",
        expect![[r#"
            ann <- connected as ann
            disk <- load quick:1
            ann <- #1 subscribed quick:1 after a0/0
            disk <- append quick:1 1 a
            ann <- #2 published quick:1 a0/1
            quick:1 1 a from ann -> ann
        "#]],
    );
}

#[test]
fn whoever_comes_back_gets_what_they_missed_and_then_what_comes() {
    check_shards(
        2,
        "ann opens on=0
         ann publishes log:1 a #1
         ann publishes log:1 b #2
         ann publishes log:1 c #3
         bob opens on=1
         bob subscribes log:1 since b0/1 #1
         ann publishes log:1 d #4
         cid opens on=0
         cid subscribes log:1 since b0/2 #1
         dan opens on=1
         dan subscribes log:1 since b0/9 #1
         eve opens on=0
         eve subscribes log:1 since a7/1 #1",
        expect![[r#"
            ann <- connected as ann
            0 -> 1 publish log:1 a
            disk <- load log:1
            disk <- append log:1 1 a
            1 -> 0 placed log:1 b0/1
            ann <- #1 published log:1 b0/1
            0 -> 1 publish log:1 b
            disk <- append log:1 2 b
            1 -> 0 placed log:1 b0/2
            ann <- #2 published log:1 b0/2
            0 -> 1 publish log:1 c
            disk <- append log:1 3 c
            1 -> 0 placed log:1 b0/3
            ann <- #3 published log:1 b0/3
            bob <- connected as bob
            bob <- #1 subscribed log:1 after b0/1, recovered
            bob <- replay log:1 2 b, 3 c
            0 -> 1 publish log:1 d
            disk <- append log:1 4 d
            1 -> 0 placed log:1 b0/4
            log:1 4 d from ann -> bob
            ann <- #4 published log:1 b0/4
            cid <- connected as cid
            0 -> 1 follow log:1
            0 -> 1 fetch log:1 from After(Placed { epoch: Epoch(176), offset: Offset(2) })
            1 -> 0 followed log:1 after b0/4
            1 -> 0 fetched log:1 3 c, 4 d after 2
            cid <- #1 subscribed log:1 after b0/2, recovered
            cid <- replay log:1 3 c, 4 d
            dan <- connected as dan
            dan <- #1 subscribed log:1 after b0/4, not recovered, kept from 1
            eve <- connected as eve
            0 -> 1 fetch log:1 from After(Placed { epoch: Epoch(167), offset: Offset(1) })
            1 -> 0 fetched log:1 nothing after 4
            eve <- #1 subscribed log:1 after b0/4, not recovered, kept from 1
        "#]],
    );
}

#[test]
fn nothing_is_lost_or_doubled_where_the_log_ends_and_life_begins() {
    check(
        "front publishes log:1 a
         front publishes log:1 b
         +1000s
         bob opens
         disk holds
         bob subscribes log:1 since a0/0 #1
         disk takes 1
         front publishes log:1 c
         disk moves
         front publishes log:1 d",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            disk <- append log:1 2 b
            front 7 <- placed a0/2
            at 1000s
            bob <- connected as bob
            disk <- load log:1
            disk <- find log:1 After(Offset(0)) at most 128
            disk <- append log:1 3 c
            bob <- #1 subscribed log:1 after a0/0, recovered
            bob <- replay log:1 1 a, 2 b
            front 7 <- placed a0/3
            log:1 3 c -> bob
            disk <- append log:1 4 d
            front 7 <- placed a0/4
            log:1 4 d -> bob
        "#]],
    );
}

#[test]
fn whoever_is_slow_is_sent_the_log_in_parts() {
    check(
        "ann opens
         bob opens
         bob dawdles
         quietly 300 times front publishes log:1 x
         bob subscribes log:1 last 130 #1
         front publishes log:1 live
         nobody dawdles
         +1s
         front publishes log:1 last",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            bob <- #1 subscribed log:1 after a0/170
            bob <- replay log:1 171 x, 172 x, 173 x, 174 x, 175 x, 176 x, 177 x, 178 x, 179 x, 180 x, 181 x, 182 x, 183 x, 184 x, 185 x, 186 x, 187 x, 188 x, 189 x, 190 x, 191 x, 192 x, 193 x, 194 x, 195 x, 196 x, 197 x, 198 x, 199 x, 200 x, 201 x, 202 x, 203 x, 204 x, 205 x, 206 x, 207 x, 208 x, 209 x, 210 x, 211 x, 212 x, 213 x, 214 x, 215 x, 216 x, 217 x, 218 x, 219 x, 220 x, 221 x, 222 x, 223 x, 224 x, 225 x, 226 x, 227 x, 228 x, 229 x, 230 x, 231 x, 232 x, 233 x, 234 x, 235 x, 236 x, 237 x, 238 x, 239 x, 240 x, 241 x, 242 x, 243 x, 244 x, 245 x, 246 x, 247 x, 248 x, 249 x, 250 x, 251 x, 252 x, 253 x, 254 x, 255 x, 256 x, 257 x, 258 x, 259 x, 260 x, 261 x, 262 x, 263 x, 264 x, 265 x, 266 x, 267 x, 268 x, 269 x, 270 x, 271 x, 272 x, 273 x, 274 x, 275 x, 276 x, 277 x, 278 x, 279 x, 280 x, 281 x, 282 x, 283 x, 284 x, 285 x, 286 x, 287 x, 288 x, 289 x, 290 x, 291 x, 292 x, 293 x, 294 x, 295 x, 296 x, 297 x, 298 x
            disk <- append log:1 301 live
            front 7 <- placed a0/301
            log:1 301 live -> nobody
            bob <- replay log:1 299 x, 300 x, 301 live
            at 1s
            disk <- append log:1 302 last
            front 7 <- placed a0/302
            log:1 302 last -> bob
        "#]],
    );
}

#[test]
fn a_log_that_was_cut_says_where_it_begins() {
    check(
        "ann opens
         5 times front publishes memory:1 x
         ann subscribes memory:1 since a0/1 #1
         ann unsubscribes memory:1
         ann subscribes memory:1 since a0/2 #2
         ann unsubscribes memory:1
         ann subscribes memory:1 last 2 #3
         ann reads memory:1 #4
         ann reads memory:1 after 3 limit 1 #5
         ann reads memory:1 before 4 #6
         ann reads den #7
         front reads memory:1
         front erases memory:1
         ann opens
         ann subscribes memory:1 since a0/4 #8",
        expect![[r#"
            ann <- connected as ann
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            front 7 <- placed a0/4
            front 7 <- placed a0/5
            ann <- #1 subscribed memory:1 after a0/5, not recovered, kept from 3
            ann <- #2 subscribed memory:1 after a0/2, recovered
            ann <- replay memory:1 3 x, 4 x, 5 x
            ann <- #3 subscribed memory:1 after a0/3
            ann <- replay memory:1 4 x, 5 x
            ann <- #4 history memory:1 3 x, 4 x, 5 x of 3..=a0/5
            ann <- #5 history memory:1 4 x of 3..=a0/5
            ann <- #6 history memory:1 3 x of 3..=a0/5
            ann <- #7 refused NO_LOG
            front 7 <- read 3 x, 4 x, 5 x of 3..=a0/5
            ann closed SHARD_FAILED
            ann ended after 0s
            front 7 <- erased
            ann <- connected as ann
            ann <- #8 subscribed memory:1 after a2/0, not recovered, kept from 1
        "#]],
    );
}

#[test]
fn what_is_older_than_a_moment_is_not_wanted() {
    check(
        "clock says 1000
         front publishes memory:1 a
         clock says 2000
         front publishes memory:1 b
         clock says 1500
         front publishes memory:1 c
         ann opens
         ann subscribes memory:1 from 2000 #1",
        expect![[r#"
            front 7 <- placed a0/1
            front 7 <- placed a0/2
            front 7 <- placed a0/3
            ann <- connected as ann
            ann <- #1 subscribed memory:1 after a0/1
            ann <- replay memory:1 2 b, 3 c
        "#]],
    );
}

#[test]
fn the_same_key_gets_the_same_place() {
    check(
        "ann opens
         bob opens
         disk holds
         ann publishes log:1 a key=k #1
         ann publishes log:1 a key=k #2
         bob publishes log:1 b key=k #1
         disk moves
         ann publishes log:1 a key=k #3
         front publishes memory:1 m key=j
         front publishes memory:1 m key=j
         +40s
         front publishes memory:1 m key=j
         +40s
         front publishes memory:1 m key=j",
        expect![[r#"
            ann <- connected as ann
            bob <- connected as bob
            disk <- load log:1
            disk <- append log:1 1 a
            disk <- append log:1 2 b
            ann <- #1 published log:1 a0/1
            ann <- #2 published log:1 a0/1
            bob <- #1 published log:1 a0/2
            ann <- #3 published log:1 a0/1
            front 7 <- placed a1/1
            front 7 <- placed a1/1
            at 25s
            ann <- ping frame
            bob <- ping frame
            at 35s
            ann closed PING_TIMEOUT
            ann ended after 35s
            bob closed PING_TIMEOUT
            bob ended after 35s
            at 40s
            front 7 <- placed a1/1
            at 80s
            front 7 <- placed a1/2
        "#]],
    );
}

#[test]
fn a_log_is_loaded_again_after_it_was_forgotten() {
    check(
        "front publishes log:1 a
         +1000s
         front describes log:1
         front publishes log:1 b
         front erases log:1
         front publishes log:1 c
         ann opens
         ann subscribes log:1 since a0/1 #1",
        expect![[r#"
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            at 1000s
            disk <- load log:1
            front 7 <- 0 members, head a0/1
            disk <- append log:1 2 b
            front 7 <- placed a0/2
            disk <- erase log:1
            front 7 <- erased
            disk <- load log:1
            disk <- append log:1 1 c
            front 7 <- placed a2/1
            ann <- connected as ann
            ann <- #1 subscribed log:1 after a2/1, not recovered, kept from 1
        "#]],
    );
}

#[test]
fn whoever_is_passed_over_is_passed_over_in_the_log_too() {
    check(
        "ann opens
         front publishes log:1 a except=ann
         front publishes log:1 b
         ann subscribes log:1 last 9 #1
         ann reads log:1 #2",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            disk <- append log:1 1 a
            front 7 <- placed a0/1
            disk <- append log:1 2 b
            front 7 <- placed a0/2
            ann <- #1 subscribed log:1 after a0/0
            ann <- replay log:1 2 b
            ann <- #2 history log:1 2 b of 1..=a0/2
        "#]],
    );
}

#[test]
fn reading_needs_a_permission_of_its_own_each_time() {
    check(
        "ann opens
         ann reads staff:1 #1
         ann reads log:1 #2",
        expect![[r#"
            ann <- connected as ann
            ann <- #1 refused DENIED
            disk <- load log:1
            ann <- #2 history log:1 nothing of 1..=a0/0
        "#]],
    );
}

/// Threat C5: places are numbers, and the largest is one as well.
#[test]
fn a_place_that_nobody_can_have_is_only_a_number() {
    check(
        "ann opens
         ann publishes log:1 a #1
         ann publishes memory:1 b #2
         ann reads log:1 after 18446744073709551615 #3
         ann reads memory:1 after 18446744073709551615 #4
         ann subscribes log:1 since a0/18446744073709551615 #5
         ann subscribes memory:1 since a1/18446744073709551615 #6
         ann acks mail:1 18446744073709551615 #7",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            disk <- append log:1 1 a
            ann <- #1 published log:1 a0/1
            ann <- #2 published memory:1 a1/1
            ann <- #3 history log:1 nothing of 1..=a0/1
            ann <- #4 history memory:1 nothing of 1..=a1/1
            ann <- #5 subscribed log:1 after a0/1, not recovered, kept from 1
            ann <- #6 subscribed memory:1 after a1/1, not recovered, kept from 1
            ann <- #7 refused NOT_SUBSCRIBED
        "#]],
    );
}

/// Threat L12: where 32 bits end, and near where JavaScript's integers do, one comes after another.
#[test]
fn offsets_count_on_past_32_bits_and_up_to_what_javascript_counts() {
    check(
        "disk begins log:1 after 4294967293
         disk begins log:2 after 9007199254740989
         ann opens
         ann subscribes log:1 #1
         ann subscribes log:2 #2
         3 times ann publishes log:1 a
         and ann publishes log:2 b key=k #3
         and ann publishes log:2 b key=k #4
         ann reads log:1 after 4294967294 #5
         ann unsubscribes log:1 #6
         ann subscribes log:1 since d1/4294967294 #7
         disk begins mail:1 after 9007199254740989
         ann subscribes mail:1 #8
         ann publishes mail:1 c
         ann acks mail:1 9007199254740990 #9
         ann acks mail:1 9007199254740991 #10",
        expect![[r#"
            ann <- connected as ann
            disk <- load log:1
            ann <- #1 subscribed log:1 after d1/4294967293
            disk <- load log:2
            ann <- #2 subscribed log:2 after d1/9007199254740989
            disk <- append log:1 4294967294 a
            disk <- append log:1 4294967295 a
            disk <- append log:1 4294967296 a
            disk <- append log:2 9007199254740990 b
            log:1 4294967294 a from ann -> ann
            log:1 4294967295 a from ann -> ann
            log:1 4294967296 a from ann -> ann
            ann <- #3 published log:2 d1/9007199254740990
            ann <- #4 published log:2 d1/9007199254740990
            log:2 9007199254740990 b from ann -> ann
            ann <- #5 history log:1 4294967295 a, 4294967296 a of 4294967294..=d1/4294967296
            ann <- #6 unsubscribed log:1
            ann <- #7 subscribed log:1 after d1/4294967294, recovered
            ann <- replay log:1 4294967295 a, 4294967296 a
            disk <- load mail:1
            disk <- find mail:1 After(Offset(0)) at most 128
            ann <- #8 subscribed mail:1 after d1/9007199254740989, recovered, delivered 0 read 0 unread 9007199254740989
            disk <- append mail:1 9007199254740990 c
            mail:1 9007199254740990 c from ann -> ann
            disk <- move ann in mail:1 to 9007199254740990/0
            ann <- #9 marked mail:1 delivered 9007199254740990 read 0 unread 9007199254740990
            ann <- #10 refused BAD_OFFSET
        "#]],
    );
}
