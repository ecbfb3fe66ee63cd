package redis

import "github.com/redis/go-redis/v9"

// The keys of what is counted. Names are HMACs, as in the keys of sessions:
//
//	r:NAME     when the bucket of an address or API key is full again, in
//	           microseconds of Redis's time
//	m:ADDRESS  the misses of an address, each as window and serial of its
//	           charge, by when it is forgotten
//	known      addresses, and addresses with a code, by until when they are
//	           known to have known one
//	charged    the misses of all: s when the window began, n how many are in it,
//	           q how many there have been

// takeScript takes an event out of each bucket, or answers in how many
// microseconds it can. KEYS: the buckets. ARGV: in how many microseconds one
// event is refilled, how many a bucket holds, a minute.
var takeScript = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local each, wait, full = tonumber(ARGV[1]), 0, {}
for i, key in ipairs(KEYS) do
	full[i] = math.max(now, tonumber(redis.call('GET', key) or '0'))
	-- Nothing takes longer to fill than a minute: the clock was set back.
	if full[i] > now + ARGV[3] then full[i] = now end
	wait = math.max(wait, full[i] + each - now - each * ARGV[2])
end
if wait > 0 then return {string.format('%d', wait)} end
for i, key in ipairs(KEYS) do
	local at = full[i] + each
	redis.call('SET', key, string.format('%d', at), 'PX', string.format('%d', math.ceil((at - now) / 1000)))
end
return {'0'}
`)

// guessScript decides about a guess, and charges it if it is admitted. KEYS:
// the misses of the address, known, charged, live. ARGV: the address, the
// address with the code, the budget: per address, window in milliseconds,
// shared, least.
var guessScript = redis.NewScript(clockLua + `
local window = tonumber(ARGV[4])
local text = string.format('%d', now)
-- What ends later than a window from now is of a clock that was set back.
local misses = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text, string.format('%d', now + window), 'WITHSCORES')
if #misses >= 2 * ARGV[3] then return {'stopped', string.format('%d', misses[2] - now)} end
local function knows(name)
	local till = redis.call('ZSCORE', KEYS[2], name)
	return till and tonumber(till) > now
end
if knows(ARGV[2]) then return {'known'} end
local all = redis.call('HMGET', KEYS[3], 's', 'n', 'q')
local since, charged = tonumber(all[1] or '0'), tonumber(all[2] or '0')
if now < since or now >= since + window then since, charged = now, 0 end
local live = redis.call('ZCOUNT', KEYS[4], '(' .. text, '+inf')
local most = math.max(tonumber(ARGV[6]), math.floor(ARGV[5] / math.max(live, 1)))
if charged >= most and not knows(ARGV[1]) then return {'spent', string.format('%d', since + window - now)} end
local from, serial = string.format('%d', since), string.format('%d', tonumber(all[3] or '0') + 1)
redis.call('HSET', KEYS[3], 's', from, 'n', charged + 1, 'q', serial)
redis.call('PEXPIRE', KEYS[3], string.format('%d', since + window - now))
redis.call('ZADD', KEYS[1], string.format('%d', now + window), from .. ':' .. serial)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'charged', from, serial}
`)

// hitScript remembers that an address knows a code, and takes a charge back.
// KEYS: the misses of the address, known, charged. ARGV: the address, the
// address with the code, the charge's window and serial, and of the budget:
// window and memory in milliseconds, how much is remembered.
var hitScript = redis.NewScript(clockLua + `
redis.call('ZADD', KEYS[2], string.format('%d', now + ARGV[5]), ARGV[1], string.format('%d', now + ARGV[6]), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', now))
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
if redis.call('ZREM', KEYS[1], ARGV[3] .. ':' .. ARGV[4]) == 1 and redis.call('HGET', KEYS[3], 's') == ARGV[3] then
	redis.call('HINCRBY', KEYS[3], 'n', -1)
end
return {'ok'}
`)
