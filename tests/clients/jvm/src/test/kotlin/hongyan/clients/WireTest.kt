package hongyan.clients

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** That the other tests would notice. */
class WireTest {
    @ParameterizedTest
    @ValueSource(
        strings = [
            "\r\n",
            "\n\n",
            "\nMESSAGE\na:b\n\nbody\u0000",
            "MESSAGE\na:b\n\nbody",
            "MESSAGE\na:b\n\nbody\u0000\n",
            "MESSAGE\na:b\n\none\u0000MESSAGE\na:b\n\ntwo\u0000",
            "MESSAGE\na:two words\n\nbody\u0000",
            "MESSAGE\na:with:colon\n\nbody\u0000",
            "MESSAGE\na:\n\nbody\u0000",
            "MESSAGE\r\na:b\r\n\r\nbody\u0000",
        ],
    )
    fun `a message that Android would lose is a fault`(text: String) {
        val wire = Wire()
        wire.message("\n")
        wire.message("MESSAGE\na:b\n\nbody: of \\n lines\n\n\u0000")
        assertEquals(emptyList<String>(), wire.faults())
        wire.message(text)
        assertTrue(wire.faults().isNotEmpty())
    }
}
