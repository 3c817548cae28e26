package hongyan.clients

import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS

/** What StompProtocolAndroid wants each header line to match; it loses the body of a frame where one does not. */
private val HEADER = Regex("([^:\\s]+)\\s*:\\s*([^:\\s]+)")

/** A frame as StompProtocolAndroid takes it apart. */
data class Frame(val command: String, val headers: Map<String, String>, val body: String)

/**
 * Everything that the broker sends, as it comes, and what is wrong with it.
 *
 * All clients of this module show their messages here, so each frame has to suit the strictest of them: one frame a
 * message, `\n` alone as the heart-beat, and headers that StompProtocolAndroid can read. A value may repeat what the
 * client said; no client here says anything that this expression refuses.
 */
class Wire {
    private val faults = ConcurrentLinkedQueue<String>()
    private val frames = ConcurrentHashMap<String, LinkedBlockingQueue<Frame>>()
    private val said = ConcurrentLinkedQueue<Frame>()

    /** One WebSocket message, or one element of a SockJS array. */
    fun message(text: String): Frame? {
        if (text.isBlank()) {
            if (text != "\n") faults += "a heart-beat that is not one newline: ${shown(text)}"
            keep(Frame(BEAT, emptyMap(), text))
            return null
        }
        if (text.indexOf('\u0000') != text.length - 1) faults += "not exactly one frame: ${shown(text)}"
        return frame(text)
    }

    /** Nothing that the broker says here needs a binary message. */
    fun binary(text: String): Frame? {
        faults += "a binary message: ${shown(text)}"
        return message(text)
    }

    /** A piece of a TCP stream that holds whole frames, and heart-beats between them. */
    fun stream(text: String) {
        for (piece in text.split('\u0000')) {
            val frame = piece.trimStart('\n')
            repeat(piece.length - frame.length) { keep(Frame(BEAT, emptyMap(), "\n")) }
            if (frame.isNotEmpty()) frame("$frame\u0000")
        }
    }

    private fun frame(text: String): Frame {
        val head = text.substringBefore("\n\n").split('\n')
        val headers = LinkedHashMap<String, String>()
        for (line in head.drop(1)) {
            val found = HEADER.matchEntire(line)
            if (found == null) faults += "a header that Android cannot read: ${shown(line)} of ${head[0]}"
            else headers.putIfAbsent(found.groupValues[1], found.groupValues[2])
        }
        if (!head[0].all { it in 'A'..'Z' }) faults += "not a command: ${shown(head[0])}"
        return keep(Frame(head[0], headers, text.substringAfter("\n\n").removeSuffix("\u0000")))
    }

    private fun keep(frame: Frame): Frame {
        said += frame
        kind(frame.command).put(frame)
        return frame
    }

    private fun kind(command: String) = frames.computeIfAbsent(command) { LinkedBlockingQueue() }

    fun expect(command: String): Frame =
        checkNotNull(kind(command).poll(PATIENCE_S, SECONDS)) { "no $command came, but $frames" }

    /** All that came, in its order, taken or not. */
    fun said(): List<Frame> = said.toList()

    fun faults(): List<String> = faults.toList()

    private fun shown(text: String) = json.writeValueAsString(text)

    companion object {
        const val BEAT = "heart-beat"
    }
}
